"""One partition's owner in this worker: acquires it, runs it, acquires it again after a loss."""

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence

from app.engine.acquire import Held
from app.engine.commit_size import CommitSize
from app.engine.errors import LostError
from app.engine.gone import GoneError
from app.engine.partition_parts import Surroundings
from app.engine.partition_task import PartitionTask
from app.engine.parts import Parts
from app.engine.pauses import Pauses
from app.engine.state import PartitionState
from app.engine.stores import Stores
from app.gaps import Gap, standing

log = logging.getLogger(__name__)
# Between the loss of a partition and the next attempt to acquire it: the first pause, the longest.
_AGAIN_SECONDS = 0.2, 5.0
# Between two looks whether the offsets of a partition whose next records are gone were moved.
_LOOK_SECONDS = 0.5, 10.0


class News:
    """What an owner tells the engine of its partition."""

    def __init__(
        self,
        progress: Callable[[int, int, int], None],
        began: Callable[[int, PartitionTask], None],
        ended: Callable[[int], None],
        stands: Callable[[int, Sequence[Gap]], None],
        failed: Callable[[BaseException], None],
    ) -> None:
        """`progress`: the partition, the restore's position and end; `failed`: a bug, or the end.

        `began` and `ended`: from the one to the other the partition's task takes records.
        `stands`: it does not until its offsets are moved, since what it is to read next is gone.
        """
        self.progress = progress
        self.began = began
        self.ended = ended
        self.stands = stands
        self.failed = failed


class Owner:
    """Owns one partition from an assignment until `stop`; a rebalance only parks it."""

    def __init__(
        self, number: int, parts: Parts, stores: Stores, around: Surroundings, news: News
    ) -> None:
        """Start to acquire it."""
        self.number = number
        self._parts = parts
        self._stores = stores
        self._around = around
        self._news = news
        self._writer = parts.make_writer(number)
        self._size = CommitSize(parts.pace.records, parts.pace.timeout)
        self._task: PartitionTask | None = None
        self._wanted = True
        self._pauses = Pauses(*_AGAIN_SECONDS)
        self._began_at: Mapping[str, int] = {}
        self._ready = asyncio.Event()
        self._running = asyncio.create_task(self._own(), name=f"partition-{number}")

    async def acquired(self) -> None:
        """Wait until the partition is acquired for the first time, stands, or is not to be had."""
        ready = asyncio.create_task(self._ready.wait())
        await asyncio.wait([ready, self._running], return_when=asyncio.FIRST_COMPLETED)
        ready.cancel()

    @property
    def held(self) -> Held | None:
        """Where a parked partition stands; None if it has been lost."""
        if self._running.done() or self._task is None:
            return None
        intakes = self._task.intakes.values()
        return Held(self._task.committed_offsets, {i.topic: i.position for i in intakes})

    def want_no_more(self) -> None:
        """Acquire no more: an acquisition under way ends, and a loss is the end."""
        self._wanted = False
        if self._task is None:
            self._running.cancel()

    async def park(self) -> None:
        """Commit what is in hand and take nothing more, until `go_on` or `stop`."""
        self.want_no_more()
        if self._task is not None:
            parked = asyncio.create_task(self._task.park())
            await asyncio.wait([parked, self._running], return_when=asyncio.FIRST_COMPLETED)
            parked.cancel()
        else:
            await asyncio.wait([self._running])
        self._news.ended(self.number)

    async def go_on(self) -> None:
        """Take records again where `park` stopped; the partition's fetches are held."""
        if self._task is None:
            return
        self._wanted = True
        self._news.began(self.number, self._task)
        self._task.go_on()
        await self._parts.acquisition.release(self.number)

    async def stop(self) -> None:
        """Commit what is in hand, and own the partition no more."""
        self.want_no_more()
        if self._task is not None:
            self._task.stop()
        await asyncio.wait([self._running])
        self._news.ended(self.number)
        await self._writer.close()

    async def _own(self) -> None:
        while True:
            try:
                task = await self._acquire()
                # aiokafka's clients may swallow a cancellation while they are stopped.
                if not self._wanted:
                    return
                self._task, self._began_at = task, task.committed_offsets
                self._parts.metrics.acquired(self.number)
                self._news.began(self.number, self._task)
                await self._parts.acquisition.release(self.number)
                self._ready.set()
                await self._task.run()
                return
            except LostError as error:
                self._lost(error)
                if not self._wanted:
                    return
                if isinstance(error, GoneError):
                    await self._stand(error.refused)
                else:
                    await asyncio.sleep(self._pauses.next())
            except asyncio.CancelledError:
                raise
            except BaseException as error:
                self._task = None
                self._news.ended(self.number)
                self._news.failed(error)
                return

    async def _stand(self, refused: Mapping[str, int]) -> None:
        """Wait while the group's offsets are those at which the broker has nothing."""
        pauses, told = Pauses(*_LOOK_SECONDS), ""
        while True:
            try:
                gaps = await self._parts.acquisition.gaps(self.number, refused)
            except LostError as error:
                log.warning("partition %d: %s; asking again", self.number, error)
            else:
                if not gaps:
                    break
                self._news.stands(self.number, gaps)
                self._ready.set()
                if (text := standing(self.number, gaps)) != told:
                    log.error("%s", text)
                    told = text
            await asyncio.sleep(pauses.next())
        self._news.ended(self.number)
        if told:
            log.warning("partition %d goes on: its offsets have been moved", self.number)
        else:  # A leader that was behind may have answered.
            await asyncio.sleep(self._pauses.next())

    def _lost(self, error: LostError) -> None:
        if self._task is not None and self._task.committed_offsets is not self._began_at:
            self._pauses.reset()
        self._task = None
        self._news.ended(self.number)
        if isinstance(error, GoneError) and self._wanted:
            return  # No transaction is lost, and what is gone is said by `_stand`.
        self._parts.metrics.lost(self.number)
        if self._wanted:
            log.warning("partition %d: %s; acquiring it again", self.number, error)
        else:
            log.warning("partition %d: %s; it is another's now", self.number, error)

    async def _acquire(self) -> PartitionTask:
        parts, number = self._parts, self.number
        store = await self._stores.opened(number)

        def progress(position: int, end: int) -> None:
            self._news.progress(number, position, end)

        offsets = await parts.acquisition.acquire(
            number, parts.partitions, store, self._writer, progress
        )
        state = PartitionState(
            number,
            parts.partitions,
            store,
            parts.topology,
            parts.limits,
            parts.cache_rows,
            parts.changelog,
        )
        return PartitionTask(state, self._writer, offsets, self._around, self._size)
