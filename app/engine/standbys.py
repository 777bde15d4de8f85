"""Copies of partitions that other workers own, kept close behind their changelogs.

A copy makes the takeover short: its worker reads the changelog's last records, not all of them.
It is never asked for views.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable

from app.engine.clock import Clock
from app.engine.errors import LostError
from app.engine.store.base import Store
from app.engine.stores import Stores

log = logging.getLogger(__name__)
Progress = Callable[[int, int], None]
CatchUp = Callable[[int, Store, Progress], Awaitable[None]]
# Between two looks at a changelog's end.
_EVERY_SECONDS = 2.0


class Standbys:
    """The copies of one worker."""

    def __init__(
        self,
        stores: Stores,
        catch_up: CatchUp,
        failed: Callable[[BaseException], None],
        clock: Clock,
    ) -> None:
        """`catch_up`: brings a partition's store up to its changelog's end.

        `failed` is told of what ends it: a full disk, a bug. `behind`: changelog offsets that a
        copy lacks, as of its last look.
        """
        self._stores = stores
        self._catch_up = catch_up
        self._failed = failed
        self._clock = clock
        self._following: dict[int, asyncio.Task[None]] = {}
        self._complete: dict[int, float] = {}
        self.behind: dict[int, int] = {}

    @property
    def numbers(self) -> set[int]:
        """Which partitions are followed."""
        return set(self._following)

    @property
    def ages(self) -> dict[int, float]:
        """Seconds since each copy was last seen complete; since it is kept, where it never was."""
        now = self._clock.monotonic()
        return {number: now - self._complete[number] for number in self._following}

    async def follow(self, numbers: Iterable[int]) -> None:
        """Keep copies of exactly these partitions up to date."""
        wanted = set(numbers)
        await self.leave(self.numbers - wanted)
        for number in wanted - self.numbers:
            self._complete[number] = self._clock.monotonic()
            following = asyncio.create_task(self._follow(number), name=f"standby-{number}")
            self._following[number] = following

    async def leave(self, numbers: Iterable[int]) -> None:
        """Follow these no more; their stores are written to by nobody afterwards."""
        leaving = [self._following.pop(n) for n in numbers if n in self._following]
        for following in leaving:
            following.cancel()
        if leaving:
            await asyncio.wait(leaving)
        self.behind = {n: lag for n, lag in self.behind.items() if n in self._following}

    async def _follow(self, number: int) -> None:
        def progress(position: int, end: int) -> None:
            self.behind[number] = end - position

        # aiokafka's clients may swallow a cancellation while they are stopped.
        while self._following.get(number) is asyncio.current_task():
            try:
                await self._catch_up(number, await self._stores.opened(number), progress)
                self.behind[number] = 0
                self._complete[number] = self._clock.monotonic()
            except LostError as error:
                log.warning("standby of partition %d: %s; it goes on when it can", number, error)
            except Exception as error:
                self._failed(error)
                return
            await asyncio.sleep(_EVERY_SECONDS)
