"""A handler that raises in the middle of a batch, after it has changed state."""

import json
from pathlib import Path

from tests.oracle.compare_outputs import compare_outputs
from tests.oracle.model import Model
from tests.oracle.records import Record
from tests.service.traffic import BASE, traffic
from tests.support.groups import members
from tests.support.kafka import Kafka
from tests.support.service import Message, Service, keyed, lines
from tests.support.topics import until

ALWAYS = 10**9
MODULE = "tests.service.failing_worker"


def events(partitions: int) -> list[Message]:
    """Some traffic, with purchases `p-...` and actions `a-...` that are made to fail."""
    messages = list(traffic(5, 600, partitions, late=0.05))
    for number, name in enumerate(("always", "twice", "late")):
        time = BASE + 3600 - 3000 * (name == "late")
        bought = {"user_id": "u1", "product_id": f"p-{name}", "amount": 12.5, "timestamp": time}
        done = {"user_id": "u1", "action": f"a-{name}", "value": 1, "timestamp": time}
        place = 300 + 20 * number
        messages.insert(place, keyed("purchases", "u1", json.dumps(bought), partitions))
        messages.insert(place, keyed("user-events", "u1", json.dumps(done), partitions))
    # Behind a failing record in its batch: records that are refused before any is handled.
    bad = (keyed("purchases", "u1", "{", partitions), keyed("user-events", "u1", "[", partitions))
    return [*messages[:310], *bad, *messages[310:], *bad]


async def run(kafka: Kafka, tmp_path: Path, failing: dict[str, int]) -> list[str]:
    """Differences to a model in which the records that always fail have no effect."""
    service = await Service(kafka.bootstrap, 2).create()
    await service.send(events(2))
    always = {name for name, times in failing.items() if times == ALWAYS}
    with service.worker(
        tmp_path, module=MODULE, environment={"FAILING": json.dumps(failing)}
    ) as worker:
        await service.at_rest()
        inputs, outputs = await service.inputs(), await service.outputs()
        assert await worker.terminate() == 0, worker.text
    dead = {r.position: "handler" for r in inputs if label(r) in always}
    assert len(dead) == len(always)
    expected = Model(inputs, service.oracle, failing=dead).run()
    return compare_outputs(expected, outputs)


def label(record: Record) -> str | None:
    try:
        content = json.loads(record.value or b"")
    except ValueError:
        return None
    return content.get("product_id", content.get("action")) if isinstance(content, dict) else None


async def test_record_that_always_fails_is_a_dead_letter_and_leaves_nothing(
    kafka: Kafka, tmp_path: Path
) -> None:
    failing = {"p-always": ALWAYS, "a-always": ALWAYS, "p-late": ALWAYS, "a-late": ALWAYS}
    differences = await run(kafka, tmp_path, failing)
    assert not differences, lines(differences)


async def test_record_that_fails_twice_is_applied_once(kafka: Kafka, tmp_path: Path) -> None:
    differences = await run(kafka, tmp_path, {"p-twice": 2, "a-twice": 2, "p-late": 1})
    assert not differences, lines(differences)


async def test_handler_slower_than_the_session_causes_no_rebalance(
    kafka: Kafka, tmp_path: Path
) -> None:
    """It blocks its whole event loop; the consumer's thread goes on.

    The other partition's transaction may be open meanwhile: it must not time out.
    """
    times = {"session_timeout": "8s", "transaction_timeout": "300s"}
    service = await Service(kafka.bootstrap, 2, times).create()
    bought = {"user_id": "u1", "product_id": "p-slow", "amount": 1, "timestamp": BASE + 3600}
    slow = keyed("purchases", "u1", json.dumps(bought), 2)
    messages = list(traffic(6, 600, 2))
    await service.send([*messages[:300], slow, *messages[300:]])
    environment = {"SLOW": json.dumps({"p-slow": 24})}
    with service.worker(tmp_path, module=MODULE, environment=environment) as worker:

        async def sleeps() -> bool:
            return "sleeps" in worker.text

        await until(sleeps, 90, "at the slow record")
        before = await members(service.bootstrap, service.app_id)
        await service.at_rest(90)
        assert worker.text.count("slept") == 1
        assert await members(service.bootstrap, service.app_id) == before
        assert "acquiring it again" not in worker.text
        assert await worker.terminate(90) == 0, worker.text
    inputs, outputs = await service.inputs(), await service.outputs()
    differences = compare_outputs(Model(inputs, service.oracle).run(), outputs)
    assert not differences, lines(differences)
