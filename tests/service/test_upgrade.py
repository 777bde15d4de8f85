"""Two workers are rolled to the next version, and one of them back, under load."""

import asyncio
from collections.abc import Iterator
from contextlib import ExitStack
from itertools import islice
from pathlib import Path

from tests.service.traffic import traffic
from tests.support.judged import compare
from tests.support.kafka import Kafka
from tests.support.service import Message, Service, lines
from tests.support.status import ready
from tests.support.topics import read_all, until
from tests.support.worker import Worker

NEXT = "tests.service.next_version"
PATIENCE = 120.0


async def load(service: Service, messages: Iterator[Message], stop: asyncio.Event) -> None:
    """Send piece by piece until told to stop."""
    while not stop.is_set():
        await service.send(islice(messages, 20))
        await asyncio.sleep(0.05)


async def written_by_next(service: Service) -> int:
    """How many metadata rows the next version has committed."""
    rows = await read_all(
        service.bootstrap, [f"{service.app_id}-state-changelog"], service.partitions
    )
    return sum(row.value is not None and b"the next version" in row.value for row in rows)


async def more_by_next(service: Service) -> None:
    """Wait until the next version has committed more than it had."""
    before = await written_by_next(service)

    async def is_more() -> bool:
        return await written_by_next(service) > before

    await until(is_more, PATIENCE, "written by the next version", 0.5)


async def test_workers_are_rolled_to_the_next_version_under_load(
    kafka: Kafka, tmp_path: Path
) -> None:
    service = await Service(kafka.bootstrap, 2, {"heartbeat_interval": "300ms"}).create()
    stop = asyncio.Event()
    endless = traffic(91, 1_000_000, 2, seconds=600_000.0)
    loading = asyncio.create_task(load(service, endless, stop))
    with ExitStack() as stack:

        def start(name: str, module: str) -> Worker:
            return stack.enter_context(service.worker(tmp_path / name, module=module))

        async def replace(worker: Worker, name: str, module: str) -> Worker:
            await ready(worker)
            assert await worker.terminate(60) == 0, worker.text
            assert not loading.done(), "the load has ended before the roll"
            return start(name, module)

        workers = [start("first", "app.cli.main"), start("second", "app.cli.main")]
        for index, name in enumerate(("first", "second")):
            workers[index] = await replace(workers[index], name, NEXT)
            await more_by_next(service)
            assert not loading.done(), "the load has ended before the roll"
        workers[0] = await replace(workers[0], "first", "app.cli.main")
        await ready(workers[0])
        assert not loading.done(), "the load has ended before the roll"
        stop.set()
        await loading
        await service.at_rest(PATIENCE)
        for worker in workers:
            await ready(worker)
            assert await worker.terminate(60) == 0, worker.text
    differences = await compare(service)
    assert not differences, lines(differences)
