"""How long a copy has been incomplete: a standby that hangs is seen by its age, not by its lag."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from app.engine.errors import LostError
from app.engine.standbys import Progress, Standbys
from app.engine.store.base import Store
from app.engine.store.memory import MemoryStore
from app.engine.stores import Stores
from app.observability.metrics import Metrics
from tests.support.hand_clock import HandClock

SECONDS = 60.0


class Copies:
    """Standbys of partition 3, whose catching up ends when it is let."""

    def __init__(self) -> None:
        self.clock = HandClock()
        self.let = asyncio.Event()
        self.began = asyncio.Semaphore(0)
        self.lost = False
        self.failures: list[BaseException] = []
        stores = Stores(lambda number: MemoryStore(), Metrics())
        self.standbys = Standbys(stores, self.catch_up, self.failures.append, self.clock)

    async def catch_up(self, number: int, store: Store, progress: Progress) -> None:
        progress(5, 9)
        self.began.release()
        await self.let.wait()
        self.let.clear()
        if self.lost:
            raise LostError("the broker did not answer")

    async def next(self) -> None:
        """Wait until it begins to catch up: what was before has ended."""
        async with asyncio.timeout(SECONDS):
            await self.began.acquire()


@asynccontextmanager
async def following() -> AsyncIterator[Copies]:
    copies = Copies()
    await copies.standbys.follow([3])
    await copies.next()
    yield copies
    copies.let.set()
    await copies.standbys.follow([])
    assert copies.failures == []


async def test_a_copy_is_as_old_as_it_is_incomplete() -> None:
    async with following() as copies:
        copies.clock.now += 40
        assert copies.standbys.ages == {3: 40}
        copies.let.set()
        await copies.next()
        assert copies.standbys.ages == {3: 0}
        copies.clock.now += 7
        assert copies.standbys.ages == {3: 7}


async def test_a_copy_that_is_lost_again_and_again_grows_old() -> None:
    """Its lag in records stays what it was at the last look."""
    async with following() as copies:
        copies.lost = True
        copies.clock.now += 40
        copies.let.set()
        await copies.next()
        copies.clock.now += 2
        assert copies.standbys.ages == {3: 42}
        assert copies.standbys.behind == {3: 4}


async def test_what_is_kept_no_more_has_no_age() -> None:
    async with following() as copies:
        await copies.standbys.leave([3])
        copies.clock.now += 40
        assert copies.standbys.ages == {}
        await copies.standbys.follow([3])
        await copies.next()
        assert copies.standbys.ages == {3: 0}
