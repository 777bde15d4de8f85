"""Guarantees, stops and restarts of a worker, without faults."""

from pathlib import Path

import pytest

from app.broker import EmbeddedBroker
from tests.oracle.compare_outputs import compare_outputs
from tests.oracle.model import Model
from tests.oracle.records import committed_only
from tests.service import slow_worker
from tests.service.traffic import traffic
from tests.support.kafka import Kafka
from tests.support.ports import held_port
from tests.support.service import Service, lines
from tests.support.topics import committed, until


async def differences_to_model(service: Service) -> list[str]:
    inputs, outputs = await service.inputs(), await service.outputs()
    return compare_outputs(Model(inputs, service.oracle, enriched=outputs).run(), outputs)


def but_merged_revenue(differences: list[str]) -> list[str]:
    """Amid a backlog partial sums may lie unread: the merged revenue has not heard of all."""
    merged = ("revenue-per-5min:", "conservation: revenue:")
    return [line for line in differences if not line.startswith(merged)]


@pytest.mark.parametrize("guarantee", ["at_least_once", "at_most_once"])
async def test_other_guarantees_without_faults_equal_the_model(
    kafka: Kafka, tmp_path: Path, guarantee: str
) -> None:
    service = await Service(kafka.bootstrap, 2, {"processing_guarantee": guarantee}).create()
    messages = list(traffic(31, 4000, 2))
    await service.send(messages[:2000])
    with service.worker(tmp_path) as worker:
        await service.at_rest()
        assert await worker.terminate() == 0, worker.text
    await service.send(messages[2000:])
    with service.worker(tmp_path) as worker:
        await service.at_rest()
        assert await worker.terminate() == 0, worker.text
    differences = await differences_to_model(service)
    assert not differences, lines(differences)


@pytest.mark.parametrize("store", ["rocksdb", "memory"])
async def test_stopped_in_the_middle_it_goes_on_exactly(
    kafka: Kafka, tmp_path: Path, store: str
) -> None:
    """SIGTERM amid a backlog: exit 0; the next start restores and goes on."""
    settings = {"store": store, "commit_records": "300"}
    service = await Service(kafka.bootstrap, 2, settings).create()
    total = 8_000
    await service.send(traffic(32, total, 2))
    stopped = 0
    for _ in range(2):
        before = sum((await committed(service.bootstrap, service.app_id)).values())

        async def under_way() -> bool:
            done = await committed(service.bootstrap, service.app_id)
            return sum(done.values()) > before + 800  # noqa: B023 (awaited at once)

        with service.worker(tmp_path, module=slow_worker.MODULE) as worker:
            await until(under_way, 240, "under way", 0.01)
            assert await worker.terminate() == 0, worker.text
        await service.ended()
        done = await committed(service.bootstrap, service.app_id)
        inputs = committed_only(await service.inputs(), done)
        stopped += len(inputs) < total
        outputs = await service.outputs()
        expected = Model(inputs, service.oracle, enriched=outputs).run()
        differences = but_merged_revenue(compare_outputs(expected, outputs))
        assert not differences, lines(differences)
    assert stopped, "it was never stopped in the middle"
    with service.worker(tmp_path) as worker:
        await service.at_rest()
        assert await worker.terminate() == 0, worker.text
    inputs, outputs = await service.inputs(), await service.outputs()
    differences = compare_outputs(Model(inputs, service.oracle).run(), outputs)
    assert not differences, lines(differences)


async def test_start_from_latest_leaves_out_what_was_there(kafka: Kafka, tmp_path: Path) -> None:
    service = await Service(kafka.bootstrap, 2, {"start_from": "latest"}).create()
    messages = list(traffic(33, 1500, 2))
    await service.send(messages[:500])
    with service.worker(tmp_path) as worker:
        await service.at_rest()
        first = await committed(service.bootstrap, service.app_id)
        await service.send(messages[500:1000])
        await service.at_rest()
        assert await worker.terminate() == 0, worker.text
    # With offsets there, `start_from` says nothing: what came while it was away is taken.
    await service.send(messages[1000:])
    with service.worker(tmp_path) as worker:
        await service.at_rest()
        assert await worker.terminate() == 0, worker.text
    inputs = [r for r in await service.inputs() if r.offset >= first[r.topic, r.partition]]
    assert len(inputs) == 1000
    outputs = await service.outputs()
    expected = Model(inputs, service.oracle, enriched=outputs).run()
    differences = compare_outputs(expected, outputs)
    assert not differences, lines(differences)


@pytest.mark.parametrize("gone", ["busy", "idle"])
async def test_a_broker_that_is_gone_means_exit_status_1(tmp_path: Path, gone: str) -> None:
    """SIGTERM while the broker cannot be reached: 1, and nothing half committed.

    With records in hand, and without any.
    """
    with held_port() as port:
        await broker_gone(EmbeddedBroker(tmp_path / "broker", port), tmp_path / "state", gone)


async def broker_gone(broker: EmbeddedBroker, state: Path, gone: str) -> None:
    service = await Service(broker.start().bootstrap, 1).create()
    try:
        await service.send(traffic(34, 1000, 1))
        with service.worker(state) as worker:
            await service.at_rest()
            if gone == "busy":
                await service.send(traffic(35, 4000, 1))
            broker.kill()
            assert await worker.terminate() == 1, worker.text
            assert "what was not committed is done again" in worker.text
        broker.start()
        with service.worker(state) as worker:
            await service.at_rest()
            assert await worker.terminate() == 0, worker.text
        differences = await differences_to_model(service)
        assert not differences, lines(differences)
    finally:
        broker.stop()
