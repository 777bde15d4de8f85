"""Topics that take little, from the start or from some moment on (reliability: too-large)."""

import hashlib
import json
from pathlib import Path

from app.factory import changelog_topic
from app.topics_admin import SIZE, describe
from models.topic_configs import changelog_config
from models.topics import DEAD_LETTERS, ENRICHED_PURCHASES, TOPICS, Topic
from tests.oracle.compare_outputs import compare_outputs
from tests.oracle.model import Model
from tests.oracle.records import Record
from tests.service.traffic import BASE, traffic
from tests.support.admin import configure
from tests.support.kafka import Kafka
from tests.support.service import Message, Service, keyed, lines
from tests.support.topics import committed
from tests.support.worker import Worker

SECONDS = 90.0
"""No wait is expected to come near it."""
SMALL = 20_000


async def limit(service: Service, size: int, *topics: Topic) -> None:
    """Let topics take batches of `size` bytes at most."""
    catalogue, small = service.catalogue, {SIZE: str(size)}
    configs = {catalogue.name(topic): catalogue.topic_configs(topic) | small for topic in topics}
    await configure(service.bootstrap, configs)


def event(topic: str, time: int, **more: object) -> Message:
    content = {"user_id": "large", "timestamp": BASE + time, **more}
    return keyed(topic, "large", json.dumps(content), 1)


async def check(
    service: Service, failing: set[bytes | None], replaced: bytes | None = None
) -> list[Record]:
    """Compare with the model; the dead letters. `replaced`: where a null stands for a value."""
    inputs, outputs = await service.inputs(), await service.outputs()
    dead = {r.position: "too-large" for r in inputs if r.value in failing}
    assert len(dead) == len(failing)
    expected = Model(inputs, service.oracle, enriched=outputs, failing=dead).run()
    differences = compare_outputs(expected, outputs)
    if replaced is not None:
        place = [r.position for r in inputs if r.value == replaced][-1]
        differences.remove(f"dead-letters:value: {(*place, '')} is not the source's value")
    assert not differences, lines(differences)
    return [r for r in outputs if r.topic == service.names["dead-letters"]]


async def test_batches_are_no_larger_than_topics_take(kafka: Kafka, tmp_path: Path) -> None:
    """More in one transaction than any topic takes in one batch, the changelog too."""
    service = await Service(kafka.bootstrap, 1, {"commit_interval": "5s"}).create()
    await service.send(traffic(41, 6000, 1, late=0.2, bad=0.2))
    await limit(service, SMALL, *TOPICS)
    with service.worker(tmp_path) as worker:
        await service.at_rest(SECONDS)
        assert await worker.terminate(SECONDS) == 0, worker.text
    assert await check(service, set())


async def test_output_refused_since_its_topic_changed_is_a_dead_letter(
    kafka: Kafka, tmp_path: Path
) -> None:
    """Many small outputs in a batch, then one that is too large by itself."""
    service = await Service(kafka.bootstrap, 1, {"commit_interval": "2s"}).create()
    pages = [event("clicks", n, page=f"/{n}" + "x" * 9000) for n in range(4)]
    fits = event("purchases", 10, product_id="fits", amount=1)
    refused = event("purchases", 20, product_id="does not fit any more", amount=2)
    with service.worker(tmp_path) as worker:
        await service.send([*pages, fits])
        await service.at_rest(SECONDS)
        await limit(service, SMALL, ENRICHED_PURCHASES)
        await service.send([refused, *traffic(42, 3000, 1)])
        await service.at_rest(SECONDS)
        assert await worker.terminate(SECONDS) == 0, worker.text
        assert "takes less than before" in worker.text, "nothing was refused"
    letters = await check(service, {refused[3]})
    assert [r.value for r in letters if r.header("error.type") == "too-large"] == [refused[3]]


async def test_dead_letter_refused_since_its_topic_changed_holds_size_and_digest(
    kafka: Kafka, tmp_path: Path
) -> None:
    service = await Service(kafka.bootstrap, 1).create()
    bad = b'["' + b"x" * 2 * SMALL + b'"]'
    with service.worker(tmp_path) as worker:
        await service.send([("clicks", 0, b"u", bad, None), *traffic(43, 100, 1)])
        await service.at_rest(SECONDS)
        await limit(service, SMALL, DEAD_LETTERS)
        await service.send([("clicks", 0, b"u", bad, None), *traffic(44, 100, 1)])
        await service.at_rest(SECONDS)
        assert await worker.terminate(SECONDS) == 0, worker.text
        assert "takes less than before" in worker.text, "nothing was refused"
    letters = [r for r in await check(service, set(), bad) if r.key == b"u"]
    assert [letter.value for letter in letters] == [bad, None]
    assert letters[1].header("error.type") == "not-object"
    assert letters[1].header("value.size") == str(len(bad))
    assert letters[1].header("value.sha256") == hashlib.sha256(bad).hexdigest()


async def limit_changelog(service: Service, size: str) -> str:
    """Let the changelog take batches of `size` bytes at most; its former limit."""
    name = changelog_topic(service.loaded())
    former = (await describe(service.bootstrap, [name]))[name].configs[SIZE]
    await configure(service.bootstrap, {name: changelog_config() | {SIZE: size}})
    return former


async def stopped(worker: Worker, status: int) -> str:
    """The line that it ended with."""
    assert await worker.status(SECONDS) == status, worker.text
    return worker.reason


async def test_row_that_its_changelog_refuses_stops_the_worker(
    kafka: Kafka, tmp_path: Path
) -> None:
    """It is never a dead letter, though it has come of one record (rule 12)."""
    service = await Service(kafka.bootstrap, 1).create()
    changelog = changelog_topic(service.loaded())
    click = event("clicks", 7300, page="/" + "x" * 2 * SMALL)
    bought = event("purchases", 7301, product_id="bought", amount=1)
    with service.worker(tmp_path) as worker:
        await service.send(traffic(45, 300, 1))
        await service.at_rest(SECONDS)
        before = await committed(service.bootstrap, service.app_id), await service.outputs()
        former = await limit_changelog(service, str(SMALL))
        await service.send([click, bought])
        said = await stopped(worker, 1)
        assert f"refuses a record for {changelog} (MessageSizeTooLargeError)" in said
        assert "put them right and start again" in said
    with service.worker(tmp_path) as worker:
        said = await stopped(worker, 2)
        assert f"{changelog} has {SIZE}={SMALL}" in said
        assert "set it to " in said
    after = await committed(service.bootstrap, service.app_id), await service.outputs()
    assert after == before
    await limit_changelog(service, former)
    with service.worker(tmp_path) as worker:
        await service.send(traffic(46, 300, 1))
        await service.at_rest(SECONDS)
        assert await worker.terminate(SECONDS) == 0, worker.text
    assert click[3] not in [letter.value for letter in await check(service, set())]
