"""Whoever does what a worker says when it ends over a topic gets it going, with nothing reset.

The commands are taken from the worker's own line.
"""

import re
import shlex
from pathlib import Path

import pytest

from app.factory import changelog_topic
from models.topics import Direction
from tests.operations.running import ran
from tests.oracle.compare_outputs import compare_outputs
from tests.oracle.model import Model
from tests.oracle.records import Record
from tests.service.traffic import traffic
from tests.support.admin import delete_topic, raise_partitions
from tests.support.kafka import Kafka
from tests.support.service import Message, Service, lines

PARTITIONS = 2
SECONDS = 120
OF_USER_EVENTS = ("event-counts-per-5min", "moving-averages", "user-sessions")


def events(seed: int) -> list[Message]:
    return [message for message in traffic(seed, 600, PARTITIONS) if message[0] == "user-events"]


async def ended_by(service: Service, data: Path, topic: str, how: str) -> str:
    """What a worker says whose topic is deleted, made anew or given a partition."""
    await service.create()
    await service.send(traffic(81, 600, PARTITIONS))
    with service.worker(data) as worker:
        await service.at_rest(SECONDS)
        if how == "more":
            await raise_partitions(service.bootstrap, topic, PARTITIONS + 1)
        else:
            await delete_topic(service.bootstrap, topic)
        if how == "anew":
            await ran(service, "topics", "create", "--partitions", str(PARTITIONS))
        assert await worker.status(90) == 1, worker.text
        return worker.reason


async def follow(service: Service, said: str) -> list[str]:
    """Run the commands that the line names; which they were."""
    commands = [text.removeprefix("streamjoin ") for text in re.findall("`(.*?)`", said)]
    for command in commands:
        words = shlex.split(command)
        if words[:2] == ["topics", "create"] and "--partitions" not in words:
            words += ["--partitions", str(PARTITIONS)]
        got = await ran(service, *words, *(["--yes"] if words[1] != "create" else []))
        assert got.status == 0, (command, got)
    return commands


async def goes_on(service: Service, data: Path, more: list[Message]) -> None:
    await service.send(more)
    with service.worker(data) as worker:
        await service.at_rest(SECONDS)
        assert await worker.terminate(60) == 0, worker.text


async def counted_once(service: Service, lost: str) -> None:
    """What user events make is what one run makes of them; `lost`: a topic that was deleted."""
    names = [service.names[topic] for topic in OF_USER_EVENTS if service.names[topic] != lost]
    taken = [r for r in await service.inputs() if r.topic == service.names["user-events"]]
    outputs: list[Record] = [r for r in await service.outputs() if r.topic in names]
    assert taken
    assert outputs
    expected = Model(taken, service.oracle, enriched=[]).run()
    differences = [
        text for text in compare_outputs(expected, outputs) if any(n in text for n in names)
    ]
    assert not differences, lines(differences)


@pytest.mark.parametrize(
    ("which", "how"),
    [
        ("dead-letters", "deleted"),
        ("enriched-purchases", "anew"),
        ("late-events", "more"),
        ("clicks", "deleted"),
        ("purchases", "anew"),
        ("revenue-partials", "deleted"),
    ],
)
async def test_what_the_line_says_suffices(
    kafka: Kafka, tmp_path: Path, which: str, how: str
) -> None:
    service = Service(kafka.bootstrap, PARTITIONS)
    partials = f"{service.app_id}-revenue-partials"
    topic = service.names.get(which, partials)
    said = await ended_by(service, tmp_path, topic, how)
    if which == "revenue-partials":  # Of its two ways the mild one.
        said = said.rpartition(", or `")[0]
    commands = await follow(service, said)
    assert not any("reset-offsets" in command for command in commands)
    more = events(82)
    if topic not in service.of(Direction.INPUT):
        more = list(traffic(82, 600, PARTITIONS))
    await goes_on(service, tmp_path, more)
    await counted_once(service, topic)


async def test_new_clicks_of_a_topic_made_anew_are_joined(kafka: Kafka, tmp_path: Path) -> None:
    service = Service(kafka.bootstrap, PARTITIONS)
    clicks = service.names["clicks"]
    await follow(service, await ended_by(service, tmp_path, clicks, "deleted"))
    again = [m for m in traffic(83, 600, PARTITIONS) if m[0] in ("clicks", "purchases")]
    before = len(await service.output("enriched-purchases"))
    await goes_on(service, tmp_path, again)
    added = (await service.output("enriched-purchases"))[before:]
    assert added


async def test_a_lost_changelog_needs_the_reset(kafka: Kafka, tmp_path: Path) -> None:
    service = Service(kafka.bootstrap, PARTITIONS)
    said = await ended_by(service, tmp_path, changelog_topic(service.loaded()), "deleted")
    assert "`streamjoin groups reset-offsets --to earliest`" in said
