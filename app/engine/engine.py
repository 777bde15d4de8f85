"""A worker's partitions: acquired after an assignment, released before the next one."""

import asyncio
import logging
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress

from aiokafka import TopicPartition

from agents.topology import Topology
from app.engine import failpoints
from app.engine.acquire import Acquisition
from app.engine.clock import Clock
from app.engine.commit_gate import CommitGate
from app.engine.consumer import Polled
from app.engine.errors import LostError
from app.engine.misplaced import MisplacedKeys
from app.engine.partition_parts import Committed, Deliver, Pace, Surroundings
from app.engine.partition_task import PartitionTask
from app.engine.state import PartitionState
from app.engine.store.base import Store
from app.engine.writer import Writer
from app.observability.metrics import Lag, Metrics
from models.topics import Direction

log = logging.getLogger(__name__)
CommitListener = Callable[[Committed], None]


class Parts:
    """What the engine is made of, put together by the composition root."""

    def __init__(
        self,
        topology: Topology,
        acquisition: Acquisition,
        open_store: Callable[[int], Store],
        make_writer: Callable[[int], Writer],
        deliver: Deliver,
        pace: Pace,
        clock: Clock,
        metrics: Metrics,
        limits: dict[str, int],
        partitions: int,
        cache_rows: int,
    ) -> None:
        """`limits`: `max.message.bytes` by output topic; `partitions`: of every topic."""
        self.topology = topology
        self.acquisition = acquisition
        self.open_store = open_store
        self.make_writer = make_writer
        self.deliver = deliver
        self.pace = pace
        self.clock = clock
        self.metrics = metrics
        self.limits = limits
        self.partitions = partitions
        self.cache_rows = cache_rows


class Engine:
    """Runs one `PartitionTask` for each partition that this worker owns."""

    def __init__(self, parts: Parts) -> None:
        """Own nothing yet."""
        self.parts = parts
        self.tasks: dict[int, PartitionTask] = {}
        self.assigned: set[int] = set()
        self.failure: BaseException | None = None
        self.on_failure: Callable[[BaseException], None] = lambda _: None
        self.listeners: list[CommitListener] = []
        self._running: dict[int, asyncio.Task[None]] = {}
        self._releasing = asyncio.Lock()
        self._revocations = 0
        self._writers: dict[int, Writer] = {}
        self._stores: dict[int, Store] = {}
        self._around = Surroundings(
            parts.topology,
            parts.acquisition,
            parts.deliver,
            self._committed,
            parts.pace,
            CommitGate(),
            parts.clock,
            parts.metrics,
        )
        inputs = parts.topology.catalogue.names(Direction.INPUT)
        self.misplaced = MisplacedKeys(inputs, parts.partitions, parts.metrics)
        self.restoring: dict[int, tuple[int, int]] = {}

    @property
    def revocations(self) -> int:
        """How often everything has been released: an assignment is of one such number."""
        return self._revocations

    async def assign(self, partitions: Iterable[int], revocations: int) -> None:
        """Own exactly these partitions; what was owned before has been released.

        `revocations`: as it was when the partitions were assigned. If they have been revoked since,
        nothing is owned: two owners in one worker would fence each other.
        """
        if revocations != self._revocations:
            return
        self.assigned = set(partitions)
        for number in set(self._stores) - self.assigned:
            self._close_store(number)
        owners = [self._start_owner(number) for number in sorted(self.assigned)]
        await asyncio.gather(*owners)

    async def release(self) -> None:
        """Finish and commit what is in hand, and stop owning everything."""
        failpoints.hit(failpoints.ON_REVOKE)
        self.assigned = set()
        self._revocations += 1
        async with self._releasing:  # A stop may come while a revocation is under way.
            for task in self.tasks.values():
                task.stop()
            for number, owner in self._running.items():
                if number not in self.tasks:  # Still acquiring: nothing of it is worth keeping.
                    owner.cancel()
            if self._running:
                await asyncio.wait(list(self._running.values()))
            self._running, self.tasks = {}, {}
            await asyncio.gather(*(writer.close() for writer in self._writers.values()))
            self._writers, self.restoring = {}, {}

    async def close(self) -> None:
        """Release everything and close the stores."""
        failpoints.hit(failpoints.AT_SHUTDOWN)
        await self.release()
        for number in list(self._stores):
            self._close_store(number)

    def wanted(self) -> Sequence[TopicPartition]:
        """Which source partitions to fetch: owned, and with room."""
        return [
            TopicPartition(topic, number)
            for number, task in self.tasks.items()
            for topic, intake in task.intakes.items()
            if intake.has_room
        ]

    def receive(self, polled: Polled) -> None:
        """Hand fetched records and the broker's answers to their partitions."""
        now = self.parts.clock.monotonic()
        for tp, records in polled.records.items():
            task = self.tasks.get(tp.partition)
            if task is not None:
                self.misplaced.sample(tp, records[0])
                task.intakes[tp.topic].receive(records, now)
                task.wake()
        for tp, answer in polled.answers.items():
            task = self.tasks.get(tp.partition)
            if task is not None:
                intake = task.intakes[tp.topic]
                intake.answered(answer.position, answer.stable_end, answer.at)

    def lags(self) -> list[Lag]:
        """Records not yet committed, by topic and partition, as far as is known."""
        return [
            (topic, number, max(intake.stable_end - task.committed_offsets[topic], 0))
            for number, task in self.tasks.items()
            for topic, intake in task.intakes.items()
            if intake.stable_end is not None
        ]

    def store(self, number: int) -> Store | None:
        """Give the committed state of an owned partition, None where it is not to be asked."""
        return self._stores[number] if number in self.tasks else None

    async def _start_owner(self, number: int) -> None:
        """Acquire a partition, and keep it until it is released."""
        ready = asyncio.get_running_loop().create_future()
        owner = asyncio.create_task(self._own(number, ready), name=f"partition-{number}")
        self._running[number] = owner
        await asyncio.wait([ready, owner], return_when=asyncio.FIRST_COMPLETED)

    async def _own(self, number: int, ready: "asyncio.Future[None]") -> None:
        """Acquire and run; lost: acquire again, as long as the partition is assigned here."""
        while number in self.assigned:
            try:
                task = await self._acquire(number)
                self.tasks[number] = task
                await self.parts.acquisition.release(number)
                if not ready.done():
                    ready.set_result(None)
                await task.run()
                return
            except LostError as error:
                self.parts.metrics.lost()
                log.warning("partition %d: %s; acquiring it again", number, error)
                self.tasks.pop(number, None)
                with suppress(asyncio.CancelledError):
                    await asyncio.sleep(0.2)
            except asyncio.CancelledError:
                raise
            except BaseException as error:
                self.failure = error
                self.tasks.pop(number, None)
                self.on_failure(error)
                raise

    async def _acquire(self, number: int) -> PartitionTask:
        parts = self.parts
        store = self._stores.get(number)
        if store is None:
            store = self._stores[number] = parts.open_store(number)
        if number not in self._writers:
            self._writers[number] = parts.make_writer(number)
        writer = self._writers[number]

        def progress(position: int, end: int) -> None:
            self.restoring[number] = (position, end)

        offsets = await parts.acquisition.acquire(number, parts.partitions, store, writer, progress)
        self.restoring.pop(number, None)
        state = PartitionState(
            number, parts.partitions, store, parts.topology, parts.limits, parts.cache_rows
        )
        return PartitionTask(state, writer, offsets, self._around)

    def _committed(self, committed: Committed) -> None:
        for listener in self.listeners:
            listener(committed)

    def _close_store(self, number: int) -> None:
        self._stores.pop(number).close()
