"""What `streamjoin dead-letters replay` takes, and how it ends when another one overtakes it."""

import asyncio
import json
import subprocess

import pytest

from app.errors import UserError
from app.letters.find import Wanted
from app.letters.replay import plan_replay, replay
from models.dead_letters import ErrorType
from tests.operations.burying import bury, origins, source
from tests.operations.running import ran
from tests.support.admin import create_topic
from tests.support.command import streamjoin
from tests.support.kafka import Kafka
from tests.support.service import Service
from tests.support.topics import read_all

LARGE = 5 << 20


async def test_nulls_stay_nulls_and_those_behind_them_go_on(kafka: Kafka) -> None:
    service = await Service(kafka.bootstrap, 1).create()
    record = source(service, 0)
    kinds = [(None, None), (None, b"v"), (b"k", None), (b"", b""), (b"k", b"v")]
    sources = [record._replace(key=key, value=value) for key, value in kinds]
    await bury(service, sources, ErrorType.NULL_KEY)
    done = await ran(service, "dead-letters", "replay", "--yes", "--json")
    assert (done.status, done.objects[-1]) == (0, {"replayed": len(kinds)})
    there = await service.inputs()
    assert [(found.key, found.value) for found in there] == kinds
    assert len(set(origins(there))) == len(kinds)


async def test_each_goes_where_its_topic_takes_it_however_large(kafka: Kafka) -> None:
    """Small topics take a few at a time, and what they do not take is counted."""
    service, small = Service(kafka.bootstrap, 1), 20_000
    for name, size in (("clicks", 2 * LARGE), ("dead-letters", 2 * LARGE), ("purchases", small)):
        configs = {"max.message.bytes": str(size)}
        await create_topic(kafka.bootstrap, service.names[name], 1, configs)
    await service.create()
    clicks, purchases = service.names["clicks"], service.names["purchases"]
    large = [source(service, n)._replace(value=b"%d" % n * LARGE) for n in range(4)]
    many = [source(service, n, purchases)._replace(value=b"%d" % n * 1000) for n in range(60)]
    refused = source(service, 60, purchases)._replace(value=b"x" * small)
    behind = [source(service, 61, purchases), source(service, 4, clicks)]
    await bury(service, [*large, *many, refused, *behind], ErrorType.HANDLER)
    done = await ran(service, "dead-letters", "replay", "--yes", "--json", "--rate", "0")
    assert done.objects == [
        {"topic": clicks, "reason": "handler", "to_replay": 5},
        {"topic": purchases, "reason": "handler", "to_replay": 61},
        {
            "skipped": 1,
            "because": f"larger than {purchases} takes: raise its max.message.bytes",
        },
        {"replayed": 66},
    ]
    assert done.err.splitlines() == [f"{n} of 66 replayed" for n in (2, 4, 66)]
    values: dict[str, list[bytes | None]] = {clicks: [], purchases: []}
    for record in await service.inputs():
        values[record.topic].append(record.value)
    assert values[clicks] == [sent.value for sent in (*large, behind[1])]
    assert values[purchases] == [sent.value for sent in (*many, behind[0])]


async def test_a_topic_that_takes_less_than_when_it_was_planned(kafka: Kafka) -> None:
    service, size = Service(kafka.bootstrap, 1), "max.message.bytes"
    name = service.names["clicks"]
    await create_topic(kafka.bootstrap, name, 1, {size: "20000"})
    await service.create()
    large = source(service, 0)._replace(value=b"x" * 30_000)
    await bury(service, [large, source(service, 1)], ErrorType.HANDLER)
    plan = await plan_replay(service.loaded(), Wanted())
    assert (plan.to_replay.total(), plan.skipped.total()) == (1, 1)
    configs = {**plan.inputs[name].configs, size: "1000000"}
    before = plan._replace(inputs={name: plan.inputs[name]._replace(configs=configs)})
    says = r"^0 letters were replayed, then the broker refused \(MessageSizeTooLargeError\)"
    with pytest.raises(UserError, match=says):
        await replay(before, 0, lambda done: None)
    again = await ran(service, "dead-letters", "replay", "--yes", "--json")
    assert again.objects[-1] == {"replayed": 1}
    assert [record.value for record in await service.inputs()] == [b'{"n":1}']


def overtaken(service: Service, place: str) -> "subprocess.CompletedProcess[str]":
    """Run a replay that another one overtakes."""
    environment = {**service.environment, "OVERTAKEN_AT": place}
    arguments = ("dead-letters", "replay", "--yes", "--rate", "50")
    return streamjoin(environment, *arguments, module="tests.operations.overtaken_replay")


@pytest.mark.parametrize("place", ["begin", "commit"])
async def test_overtaken_by_another_one_it_says_so_in_one_line(kafka: Kafka, place: str) -> None:
    service = await Service(kafka.bootstrap, 1).create()
    await bury(service, [source(service, offset) for offset in range(120)], ErrorType.HANDLER)
    done = await asyncio.to_thread(overtaken, service, place)
    assert done.returncode == 1, done.stderr
    assert done.stderr.count("\n") == 2, done.stderr
    told, said = done.stderr.splitlines()
    assert told == "50 of 120 replayed"
    assert said == (
        "streamjoin: 50 letters were replayed, then the broker refused (ProducerFenced), or "
        "another replay has begun: run this again, it goes on with the rest"
    )
    there = await read_all(kafka.bootstrap, [service.names["clicks"]], 1)
    assert [json.loads(record.value or b"")["n"] for record in there] == list(range(120))
    assert len(set(origins(there))) == 120
    again = await ran(service, "dead-letters", "replay", "--yes")
    assert (again.status, again.out.splitlines()[-1]) == (0, "nothing to replay")
