"""The application's code raises at the commit, after it has changed state and made outputs."""

import json
from pathlib import Path

from models.topics import Direction
from tests.oracle.compare_outputs import compare_outputs
from tests.oracle.model import Model
from tests.oracle.records import Record
from tests.service.traffic import BASE, traffic
from tests.support.kafka import Kafka
from tests.support.service import Message, Service, keyed, lines
from tests.support.topics import committed, until
from tests.support.worker import Worker

ALWAYS = 10**9
MODULE = "tests.service.failing_worker"
PARTITIONS = 2
SECONDS = 240.0
"""No wait is expected to come near it."""
Commits = dict[str, int]


def bought(name: str, time: int = 3600) -> Message:
    content = {"user_id": "u1", "product_id": name, "amount": 12.5, "timestamp": BASE + time}
    return keyed("purchases", "u1", json.dumps(content), PARTITIONS)


def done(user: str) -> Message:
    """A user event whose action is its user's name."""
    content = {"user_id": user, "action": user, "value": 1, "timestamp": BASE + 3600}
    return keyed("user-events", user, json.dumps(content), PARTITIONS)


def failing_worker(
    service: Service, folder: Path, commits: Commits, large: tuple[str, ...] = ()
) -> Worker:
    given = {"FAILING_COMMIT": json.dumps(commits), "LARGE_COMMIT": json.dumps(large)}
    return service.worker(folder, module=MODULE, environment=given)


def name_of(record: Record) -> str | None:
    try:
        content = json.loads(record.value or b"")
    except ValueError:
        return None
    return content.get("product_id", content.get("action")) if isinstance(content, dict) else None


async def check(service: Service, dead: dict[str, str], *, lay_ready: bool = True) -> None:
    """Compare with a model in which these records are dead letters, by name, and nothing else.

    `lay_ready`: all was written before any of it was taken, so that there is one right order.
    """
    inputs, outputs = await service.inputs(), await service.outputs()
    failing = {r.position: dead[name] for r in inputs if (name := name_of(r)) in dead}
    assert len(failing) == len(dead)
    enriched = None if lay_ready else outputs
    expected = Model(inputs, service.oracle, enriched=enriched, failing=failing).run()
    differences = compare_outputs(expected, outputs)
    assert not differences, lines(differences)


async def taken_offsets(service: Service) -> int:
    """How many records of the inputs are committed."""
    inputs = set(service.of(Direction.INPUT))
    found = await committed(service.bootstrap, service.app_id)
    return sum(offset for (topic, _), offset in found.items() if topic in inputs)


async def test_record_for_which_no_commit_can_be_made_is_a_dead_letter(
    kafka: Kafka, tmp_path: Path
) -> None:
    """Two side by side, one whose output is too large, and some that fail no more in the end."""
    service = await Service(kafka.bootstrap, PARTITIONS).create()
    messages = list(traffic(51, 900, PARTITIONS, late=0.05, bad=0.03))
    poison = [bought("always"), bought("always-2"), done("large"), done("always-3")]
    passing = [bought("once"), done("twice"), bought("late", 600)]
    await service.send([*messages[:400], *poison, *messages[400:600], *passing, *messages[600:]])
    commits = {"always": ALWAYS, "always-2": ALWAYS, "always-3": ALWAYS}
    commits |= {"once": 1, "twice": 2, "late": 2}
    dead = {name: "handler" for name in commits if name.startswith("always")}
    dead["large"] = "too-large"
    with failing_worker(service, tmp_path, commits, ("large",)) as worker:
        await service.at_rest(SECONDS)
        await check(service, dead)
        await service.send(traffic(52, 200, PARTITIONS, bad=0.03))
        await service.at_rest(SECONDS)
        assert await worker.terminate(SECONDS) == 0, worker.text
        assert "the commit raised RuntimeError" in worker.text
        assert "the commit raised TooLargeError" in worker.text
    await check(service, dead, lay_ready=False)


async def test_commit_that_fails_whatever_is_in_it_stops_the_worker(
    kafka: Kafka, tmp_path: Path
) -> None:
    service = await Service(kafka.bootstrap, PARTITIONS).create()
    await service.send(traffic(53, 100, PARTITIONS))
    with failing_worker(service, tmp_path, {"*": ALWAYS}) as worker:
        assert await worker.status(SECONDS) == 1
        assert "made to fail at a commit with *" in worker.text
    assert await taken_offsets(service) == 0
    assert not await service.outputs()
    with service.worker(tmp_path) as worker:
        await service.at_rest(SECONDS)
        assert await worker.terminate(SECONDS) == 0, worker.text
    await check(service, {})


async def test_commit_that_fails_at_the_stop_leaves_all_to_the_next_owner(
    kafka: Kafka, tmp_path: Path
) -> None:
    service = await Service(kafka.bootstrap, PARTITIONS, {"commit_interval": "600s"}).create()
    await service.send([*traffic(54, 100, PARTITIONS), bought("always")])
    with failing_worker(service, tmp_path, {"always": ALWAYS}) as worker:

        async def taken() -> bool:
            return "taken: always" in worker.text

        await until(taken, SECONDS, "taken")
        assert await worker.terminate(SECONDS) == 0, worker.text
        assert "is left undone" in worker.text
    inputs = await service.inputs()
    place = next(r for r in inputs if name_of(r) == "always")
    found = await committed(service.bootstrap, service.app_id)
    assert found[place.topic, place.partition] == 0
    service.settings = {}
    with service.worker(tmp_path) as worker:
        await service.at_rest(SECONDS)
        assert await worker.terminate(SECONDS) == 0, worker.text
    await check(service, {})
