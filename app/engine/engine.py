"""A worker's partitions: which it owns after an assignment, and what of it outlives the next."""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from aiokafka import TopicPartition

from app.engine import failpoints
from app.engine.commit_gate import CommitGate
from app.engine.consumer_thread import Polled
from app.engine.misplaced import MisplacedKeys
from app.engine.owner import News, Owner
from app.engine.partition_parts import Committed, Surroundings
from app.engine.partition_task import PartitionTask
from app.engine.parts import Parts
from app.engine.standbys import Standbys
from app.engine.store.base import Store
from app.engine.stores import Stores
from app.gaps import Gap
from app.observability.metrics import Lag
from models.topics import Direction

CommitListener = Callable[[Committed], None]


class Assignment(NamedTuple):
    """What the group gives this worker.

    `generation`: the group's; `revocations`: the engine's, as of when it was given. `standbys`:
    partitions of others to keep a copy of.
    """

    partitions: frozenset[int]
    standbys: frozenset[int]
    generation: int
    revocations: int


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
        self.closing: list[Callable[[], None]] = []
        self.restoring: dict[int, tuple[int, int]] = {}
        self.gaps: dict[int, Sequence[Gap]] = {}
        self._owners: dict[int, Owner] = {}
        self._changing = asyncio.Lock()
        self._revocations = 0
        self._generation = -1
        self._stores = Stores(parts.open_store, parts.metrics)
        self.standbys = Standbys(self._stores, parts.acquisition.catch_up, self.fail, parts.clock)
        self._around = Surroundings(
            parts.topology,
            parts.acquisition,
            parts.deliver,
            self._committed,
            parts.pace,
            CommitGate(),
            parts.buffer,
            parts.clock,
            parts.metrics,
        )
        self._news = News(self._progress, self._began, self._ended, self._stands, self.fail)
        inputs = parts.topology.catalogue.names(Direction.INPUT)
        self.misplaced = MisplacedKeys(inputs, parts.partitions, parts.metrics)

    @property
    def revocations(self) -> int:
        """How often everything has been revoked: an assignment is of one such number."""
        return self._revocations

    async def assign(self, given: Assignment) -> None:
        """Own exactly these partitions. Raises LostError where the group was not to be reached.

        A partition that was owned right before goes on where it was parked: nothing of it is
        done again. If all has been revoked since the assignment, nothing happens: two owners in
        one worker would fence each other.
        """
        async with self._changing:
            if given.revocations != self._revocations:
                return
            self.assigned = set(given.partitions)
            await self._stop(self._owners.keys() - self.assigned)
            await self.standbys.follow(given.standbys - self.assigned)
            for number in set(self._stores) - self.assigned - self.standbys.numbers:
                self._stores.close(number)
            kept = await self._kept(given)
            if given.revocations != self._revocations:
                return
            self._generation = given.generation
            await asyncio.gather(*(self._owners[number].go_on() for number in kept))
            await self._start(self.assigned - kept, given.revocations)

    async def park(self) -> None:
        """Commit what is in hand and take nothing more: all is revoked until the next `assign`."""
        self._revoke()
        async with self._changing:
            await asyncio.gather(*(owner.park() for owner in self._owners.values()))

    async def release(self) -> None:
        """Commit what is in hand, and own nothing any more."""
        self._revoke()
        async with self._changing:  # A stop may come while a revocation is under way.
            await self._stop(set(self._owners))
            await self.standbys.follow(())

    async def close(self) -> None:
        """Release everything and close the stores; `closing` are told first."""
        for told in self.closing:
            told()
        failpoints.hit(failpoints.AT_SHUTDOWN)
        await self.release()
        await self.parts.acquisition.close()
        self._stores.close_all()

    def wanted(self) -> Sequence[TopicPartition]:
        """Which source partitions to fetch: owned, and with room.

        Where the buffer is full, only what a partition that holds records may wait for: the merge
        goes on when it has seen both topics.
        """
        held = {number: task.held for number, task in self.tasks.items()}
        buffer = self.parts.buffer
        buffer.partitions, share = len(held), buffer.waiting_share
        full = buffer.is_full(sum(held.values()))
        return [
            TopicPartition(topic, number)
            for number, task in self.tasks.items()
            for topic, intake in task.intakes.items()
            if intake.has_room
            and (not intake.held or (not full and held[number] < share))
            and (not full or held[number])
        ]

    def receive(self, polled: Polled) -> None:
        """Hand fetched records and the broker's answers to their partitions."""
        now = self.parts.clock.monotonic()
        for tp, records in polled.records.items():
            task = self.tasks.get(tp.partition)
            if task is not None:
                self.misplaced.sample(tp, records[0])
                task.intakes[tp.topic].receive(
                    records, now, records.weight, has_large=records.has_large
                )
                task.wake()
        for tp, offset in polled.refused.items():
            task = self.tasks.get(tp.partition)
            if task is not None:
                task.gone.refuse(tp.topic, offset)
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
        return self._stores[number] if self.serves(number) else None

    def serves(self, number: int) -> bool:
        """Whether a partition is owned, and its state up to date; one that stands still too."""
        return number in self.tasks or number in self.gaps

    @property
    def starved(self) -> int:
        """How many partitions' stores wait for a file descriptor."""
        return len(self._stores.waiting)

    def _revoke(self) -> None:
        if self._owners:
            failpoints.hit(failpoints.ON_REVOKE)
        self.assigned = set()
        self._revocations += 1
        for owner in self._owners.values():
            owner.want_no_more()

    async def _kept(self, given: Assignment) -> set[int]:
        """Which parked partitions nobody else can have owned meanwhile; the others are let go.

        A generation of the group that this worker was not a member of may have had other owners.
        """
        held = {number: owner.held for number, owner in self._owners.items()}
        standing = {number: at for number, at in held.items() if at is not None}
        kept: set[int] = set()
        if standing and given.generation == self._generation + 1:
            kept = await self.parts.acquisition.keep(standing)
            self.parts.metrics.kept(len(kept))
        await self._stop(self._owners.keys() - kept)
        return kept

    async def _start(self, numbers: set[int], revocations: int) -> None:
        if revocations != self._revocations:
            return
        for number in numbers:
            self._owners[number] = Owner(number, self.parts, self._stores, self._around, self._news)
        await asyncio.gather(*(self._owners[number].acquired() for number in numbers))

    async def _stop(self, numbers: Iterable[int]) -> None:
        owners = [self._owners.pop(number) for number in list(numbers)]
        await asyncio.gather(*(owner.stop() for owner in owners))

    def _progress(self, number: int, position: int, end: int) -> None:
        self.restoring[number] = (position, end)

    def _began(self, number: int, task: PartitionTask) -> None:
        self.restoring.pop(number, None)
        self.tasks[number] = task

    def _ended(self, number: int) -> None:
        self.restoring.pop(number, None)
        self.tasks.pop(number, None)
        self.gaps.pop(number, None)

    def _stands(self, number: int, gaps: Sequence[Gap]) -> None:
        self.gaps[number] = gaps

    def fail(self, error: BaseException) -> None:
        """Stop the worker, for good."""
        self.failure = error
        self.on_failure(error)

    def _committed(self, committed: Committed) -> None:
        for listener in self.listeners:
            listener(committed)
