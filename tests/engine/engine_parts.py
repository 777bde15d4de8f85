"""An engine whose partitions are acquired at once and do nothing; it notes what happens."""

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from inspect import signature
from types import SimpleNamespace
from typing import Any, cast
from unittest.mock import MagicMock

from app.engine.acquire import Held
from app.engine.engine import Assignment, Engine
from app.engine.errors import LostError
from app.engine.owner import Owner
from app.engine.partition_task import PartitionTask
from app.engine.parts import Parts
from app.engine.store.memory import MemoryStore

PARTS = list(signature(Parts).parameters)
"""None of them is asked for anything here but those that are replaced."""


async def swallow(cancellations: int) -> None:
    """Wait as aiokafka's clients do while they are stopped: so many cancellations end nothing."""
    for _ in range(cancellations):
        with suppress(asyncio.CancelledError):
            await asyncio.Event().wait()


class FakeTask:
    """A partition that commits when it is parked or stopped, if it may."""

    def __init__(self, log: list[str]) -> None:
        self.log = log
        self.asked = asyncio.Event()
        self.may_commit = asyncio.Event()
        self.may_commit.set()
        self.free = asyncio.Event()
        self.free.set()
        self.parked = asyncio.Event()
        self.stopping = False
        self.fail: LostError | None = None
        self.intakes = {"clicks": SimpleNamespace(topic="clicks", position=9)}
        self.committed_offsets = {"clicks": 7}

    def stop(self) -> None:
        self.stopping = True
        self.asked.set()
        self.free.set()

    async def park(self) -> None:
        if self.free.is_set():
            self.free.clear()
            self.parked.clear()
            self.asked.set()
        await self.parked.wait()

    def go_on(self) -> None:
        self.log.append("goes on")
        self.free.set()

    async def run(self) -> None:
        while True:
            await self.asked.wait()
            self.asked.clear()
            await self.may_commit.wait()
            if self.fail is not None:
                raise self.fail
            self.log.append("committed")
            if self.stopping:
                return
            self.parked.set()
            await self.free.wait()


class FakeAcquisition:
    """Holds, releases, and says of every parked partition that it stands where it was left."""

    def __init__(self, log: list[str]) -> None:
        self.log = log
        self.committed = {"clicks": 7}
        self.caught_up = asyncio.Event()
        self.swallows = 0

    async def keep(self, held: Mapping[int, Held]) -> set[int]:
        return {number for number, at in held.items() if at.committed == self.committed}

    async def release(self, number: int) -> None:
        self.log.append(f"fetch {number}")

    async def close(self) -> None:
        self.log.append("reader closed")

    async def catch_up(self, number: int, store: object, progress: object) -> None:
        self.log.append(f"standby {number}")
        self.caught_up.set()
        await swallow(self.swallows)


class NotedStore(MemoryStore):
    def __init__(self, number: int, log: list[str]) -> None:
        super().__init__()
        self.number = number
        self.log = log

    def close(self) -> None:
        self.log.append(f"store {self.number} closed")


class NotedWriter:
    def __init__(self, log: list[str]) -> None:
        self.log = log

    async def close(self) -> None:
        self.log.append("writer closed")


class FakeEngine(Engine):
    """`made`: the task of each acquisition, in order; `log`: what happened."""

    def __init__(self) -> None:
        self.log: list[str] = []
        self.made: list[FakeTask] = []
        self.acquisition = FakeAcquisition(self.log)
        parts: Any = MagicMock(spec=Parts, **dict.fromkeys(PARTS, MagicMock()))
        parts.acquisition = self.acquisition
        parts.open_store = lambda number: NotedStore(number, self.log)
        parts.make_writer = lambda number: NotedWriter(self.log)
        super().__init__(cast("Parts", parts))

    async def acquire(self, owner: Owner) -> PartitionTask:
        """Stand in for `Owner._acquire`."""
        self.log.append(f"acquire {owner.number}")
        await self._stores.opened(owner.number)
        task = FakeTask(self.log)
        self.made.append(task)
        return cast("PartitionTask", task)

    async def given(self, *numbers: int, generation: int, standbys: tuple[int, ...] = ()) -> None:
        await self.assign(
            Assignment(frozenset(numbers), frozenset(standbys), generation, self.revocations)
        )
