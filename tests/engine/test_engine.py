"""Assignments and revocations of an engine whose partitions do nothing."""

import asyncio
from inspect import signature
from typing import cast
from unittest.mock import MagicMock

from app.engine.engine import Engine, Parts
from app.engine.partition_task import PartitionTask
from app.engine.store.base import Store
from app.engine.store.memory import MemoryStore
from app.engine.writer import Writer

PARTS = list(signature(Parts).parameters)
"""None of them is asked for anything here."""


class SlowTask:
    """A partition that takes its time to commit what it has in hand when it is stopped."""

    def __init__(self, log: list[str]) -> None:
        self.log = log
        self.stopping = asyncio.Event()
        self.may_end = asyncio.Event()
        self.intakes: dict[str, object] = {}

    def stop(self) -> None:
        self.stopping.set()

    async def run(self) -> None:
        await self.stopping.wait()
        await self.may_end.wait()
        self.log.append("committed")


class NotedStore(MemoryStore):
    def __init__(self, log: list[str]) -> None:
        super().__init__()
        self.log = log

    def close(self) -> None:
        self.log.append("store closed")


class NotedWriter:
    def __init__(self, log: list[str]) -> None:
        self.log = log

    async def close(self) -> None:
        self.log.append("writer closed")


class Owner(Engine):
    """An engine with one partition of the test's own."""

    def __init__(self) -> None:
        super().__init__(MagicMock(spec=Parts, **dict.fromkeys(PARTS, MagicMock())))
        self.log: list[str] = []
        self.task = SlowTask(self.log)

    async def own(self) -> None:
        """Own partition 0, as after an assignment."""
        self._stores[0] = cast("Store", NotedStore(self.log))
        self._writers[0] = cast("Writer", NotedWriter(self.log))
        self.tasks[0] = cast("PartitionTask", self.task)
        self._running[0] = asyncio.create_task(self.task.run())
        self.assigned = {0}
        await asyncio.sleep(0)


async def test_stop_during_a_revocation_waits_for_the_commit_in_hand() -> None:
    """Faust's revocation and the worker's stop both release, at the same time."""
    engine = Owner()
    await engine.own()
    revocation = asyncio.create_task(engine.release())
    await engine.task.stopping.wait()
    stop = asyncio.create_task(engine.close())
    for _ in range(10):
        await asyncio.sleep(0)
    assert engine.log == []
    engine.task.may_end.set()
    async with asyncio.timeout(5):
        await asyncio.gather(revocation, stop)
    assert engine.log[0] == "committed"
    assert engine.log[-1] == "store closed"
    assert "writer closed" in engine.log
