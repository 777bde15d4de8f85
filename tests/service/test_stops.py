"""A worker that is told to stop at any moment from its first instruction on: exit status 0."""

import asyncio
import signal
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.chaos.stops import stops, summary
from tests.service.traffic import traffic
from tests.support.kafka import Kafka
from tests.support.service import Service
from tests.support.signals import held_back, silent_broker
from tests.support.topics import committed, until

STARTS = 12
SECONDS = 120.0


async def test_at_random_moments(kafka: Kafka, tmp_path: Path) -> None:
    found = await stops(kafka.bootstrap, tmp_path, STARTS, 6.0, 2)
    assert {stop.status for stop in found} == {0}, summary(found) + "".join(s.text for s in found)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
async def test_before_python_runs(tmp_path: Path, number: signal.Signals) -> None:
    """Held back by whoever starts it, as the image does: heeded with the first line of ours."""
    with silent_broker() as (address, _), ExitStack() as stack:
        with held_back():
            worker = stack.enter_context(Service(address).worker(tmp_path))
        worker.process.send_signal(number)
        assert await worker.status() == 0
        assert worker.text == ""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
async def test_while_the_broker_is_silent(tmp_path: Path, number: signal.Signals) -> None:
    """In the midst of a client that takes any exception for a broker that cannot be reached."""
    with (
        silent_broker() as (address, server),
        Service(address).worker(tmp_path) as worker,
    ):
        connection, _ = await asyncio.to_thread(server.accept)
        with connection:
            worker.process.send_signal(number)
            assert await worker.status() == 0
        assert worker.text == ""


async def test_a_hang_up_commits_and_leaves(kafka: Kafka, tmp_path: Path) -> None:
    """As SIGTERM; and further signals change nothing."""
    service = await Service(kafka.bootstrap, 1).create()
    await service.send(traffic(51, 500, 1))
    with service.worker(tmp_path) as worker:
        await service.at_rest()
        worker.process.send_signal(signal.SIGHUP)
        while worker.process.poll() is None:
            worker.process.send_signal(signal.SIGTERM)
            await asyncio.sleep(0.01)
        assert await worker.status() == 0, worker.text
    # It has left the group: the next one does not wait for its session to end.
    with service.worker(tmp_path) as worker:
        await service.send(traffic(52, 500, 1))
        await service.at_rest()
        assert await worker.terminate() == 0, worker.text


async def test_under_nohup_a_hang_up_is_none(kafka: Kafka, tmp_path: Path) -> None:
    service = await Service(kafka.bootstrap, 1).create()
    await service.send(traffic(53, 100, 1))

    async def begun() -> bool:
        return bool(await committed(kafka.bootstrap, service.app_id))

    with service.worker(tmp_path, launcher=["nohup"]) as worker:
        await until(begun, SECONDS, "begun")
        worker.process.send_signal(signal.SIGHUP)
        await service.send(traffic(54, 100, 1))
        await service.at_rest()
        assert await worker.terminate() == 0, worker.text
