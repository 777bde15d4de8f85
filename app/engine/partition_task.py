"""One partition's life: take, hand to the agents, commit, again."""

import asyncio
import logging
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from aiokafka import TopicPartition

from agents.intake import Intake
from agents.topology import Feed, Flow
from app.engine import failpoints
from app.engine.commit_size import CommitSize
from app.engine.counting import count
from app.engine.dead_letters import DeadLetters
from app.engine.errors import (
    NOBODYS_FAULT,
    HandlingError,
    LostError,
    TransactionTooLargeError,
)
from app.engine.gone import Gone
from app.engine.hand_over import HandOver
from app.engine.partition_parts import Committed, Surroundings
from app.engine.pieces import Pieces
from app.engine.state import PartitionState, Prepared
from app.engine.writer import Writer
from models.topics import DEAD_LETTERS

log = logging.getLogger(__name__)

# Events handed over at a time: some milliseconds of work, so that HTTP is answered in between.
BATCH = 512
# A batch may write so many times what a transaction should before it is broken off.
_BOUND = 4
# Backlog is committed in larger pieces: a transaction costs milliseconds whatever it holds.
_BACKLOG_SECONDS = 10.0
# Past transaction markers alone the committed offset moves only so often.
_IDLE_SECONDS = 1.0
# How often the merge looks whether a purchase has waited long enough.
_LOOK_SECONDS = 0.02


class PartitionTask:
    """Owns one partition from its acquisition until it is revoked."""

    def __init__(
        self,
        state: PartitionState,
        writer: Writer,
        offsets: Mapping[str, int],
        around: Surroundings,
        size: CommitSize,
    ) -> None:
        """`offsets`: next source offset by topic; `size`: of commits, beyond this task's life."""
        self.state = state
        self.number = state.number
        self._writer = writer
        self._around, self._size = around, size
        self._clock, self._metrics, self._pace = around.clock, around.metrics, around.pace
        self._buffer = around.buffer
        dead_topic = around.topology.catalogue.name(DEAD_LETTERS)
        run = around.pace.dead_letter_run
        self._dead_letters = DeadLetters(state, dead_topic, around.clock, run)
        self._hand_over = HandOver(state, self._dead_letters, around)
        self._pieces = Pieces(BATCH, around.pace.max_attempts)
        self._flows: list[tuple[Flow, Feed]] = []
        self.intakes: dict[str, Intake[Any]] = {}
        self._start_at(offsets)
        self.committed_offsets = dict(offsets)
        # What has been taken since the last commit: how many by flow, and the last of them.
        self._taken: Counter[str] = Counter()
        self._last: Sequence[Any] = ()
        self._backlog = self._stopping = False
        self._since: float | None = None
        self._idle_since = self._clock.monotonic()
        self._wake, self._parked, self._free = (asyncio.Event() for _ in range(3))
        self._free.set()

    @property
    def held(self) -> int:
        """Bytes of records that wait."""
        return sum(intake.held for intake in self.intakes.values())

    def wake(self) -> None:
        """Have a look: records or answers have come in."""
        self._wake.set()

    def stop(self) -> None:
        """Finish what is in hand, commit it, and end `run`."""
        self._stopping = True
        self.go_on()

    async def park(self) -> None:
        """Finish what is in hand and commit it; then take nothing until `go_on`."""
        if self._free.is_set():  # Else it has been asked before.
            self._parked.clear()
            self._free.clear()
            self._wake.set()
        await self._parked.wait()

    def go_on(self) -> None:
        """Take records again."""
        self._free.set()
        self._wake.set()

    async def run(self) -> None:
        """Process until stopped. Raises LostError, and whatever is a bug."""
        while not self._stopping:
            if not self._free.is_set():
                await self._stand_still()
                continue
            if self._backlog:
                await self._around.gate.quiet()
            try:
                worked = await self._step()
                if await self._is_due(backlog=self._backlog):
                    await self.commit()
                    continue
            except HandlingError as error:
                await self._rewind(error)
                continue
            except TransactionTooLargeError as error:
                self._pieces.failed(error, self._taken.total(), self._last, self._next_offsets())
                await self._rewind(error)
                continue
            if not worked:
                self.gone.check(self.intakes, in_hand=self._since is not None)
                await self._wait()
        await self._last_commit()

    async def _stand_still(self) -> None:
        await self._last_commit()
        self._parked.set()
        await self._free.wait()

    async def _last_commit(self) -> None:
        """Commit what is in hand before the partition may be another's. Raises LostError.

        There is no time left to find the record for which no commit can be made: who owns the
        partition next meets it again.
        """
        try:
            if self._taken:
                await self.commit()
        except HandlingError as error:
            raise LostError(f"{error}; what was not committed is left undone") from error

    async def _step(self) -> bool:
        self.state.check()
        worked = self._backlog = False
        for place, (flow, feed) in enumerate(self._flows):
            items = feed.take(min(self._pieces.size, self._size.records))
            if items:
                self._backlog |= len(items) == BATCH
                failpoints.hit(failpoints.AFTER_POLL)
                await self._process(flow, feed, items)
                worked = True
                if self._pieces.active:  # A piece is of one flow; the next one of the others first.
                    self._flows = self._flows[place + 1 :] + self._flows[: place + 1]
                    break
        return worked

    async def _process(self, flow: Flow, feed: Feed, items: list[Any]) -> None:
        if self._since is None:
            self._since = self._clock.monotonic()
        if self._pieces.active:
            items = self._pieces.sort_out(items)
        self._taken[flow.name] += len(items)
        self._last = items
        # One record alone is handled whatever it takes: it cannot be done in smaller pieces.
        self.state.bound(_BOUND * self._buffer.outputs_share if len(items) > 1 else None)
        with self._metrics.batch(flow.name):
            await self._hand_over.take(flow, items, large=feed.took_large())
        failpoints.hit(failpoints.AFTER_STATE_CHANGE)

    def _start_at(self, offsets: Mapping[str, int]) -> None:
        self._flows = [(flow, flow.feed(offsets)) for flow in self._around.topology.flows]
        self.intakes = {i.topic: i for _, feed in self._flows for i in feed.intakes}
        self.gone = Gone(self._clock.monotonic, self._around.topology.rules.join_wait)

    async def _rewind(self, error: HandlingError | TransactionTooLargeError) -> None:
        """Go back to the last commit, and read on from there with a savepoint for each batch.

        Nothing has been sent for what is taken back: a transaction begins with the commit.
        """
        log.warning(
            "partition %d: %s; what was not committed is done again, carefully", self.number, error
        )
        self.state.discard()
        self._dead_letters.discard()
        self.state.careful = self._hand_over.raised = True
        await self._around.source.rewind(self.number, self.committed_offsets)
        self._start_at(self.committed_offsets)
        self._since = None
        self._taken.clear()
        await self._around.source.release(self.number)

    def _next_offsets(self) -> dict[str, int]:
        return {topic: intake.next_offset for topic, intake in self.intakes.items()}

    async def _is_due(self, *, backlog: bool) -> bool:
        now = self._clock.monotonic()
        if self._since is None:
            await self.state.load()
            if self.state.overdue:
                return True
            moved = now - self._idle_since >= _IDLE_SECONDS
            return moved and self._next_offsets() != self.committed_offsets
        if self._pieces.active:
            return True
        age = now - self._since
        limit = max(self._pace.interval, _BACKLOG_SECONDS) if backlog else self._pace.interval
        return (
            age >= limit
            or self._taken.total() >= self._size.records
            or self.state.weight >= self._buffer.outputs_share
        )

    async def commit(self) -> None:
        """Commit everything taken so far.

        Raises LostError; HandlingError where the application's code raised at it: nothing has
        been sent then.
        """
        started = self._clock.monotonic()
        offsets = self._next_offsets()
        prepared = await self._prepare(offsets)
        # All of them again, where only time has passed: each commit says where it stands.
        changed = dict(offsets.items() - self.committed_offsets.items()) or offsets
        moved = {TopicPartition(topic, self.number): at for topic, at in changed.items()}
        with self._around.gate.commit(), self._size.sending(self._taken.total()):
            end = await self._writer.commit(prepared.changes, prepared.outputs, moved)
        failpoints.hit(failpoints.BEFORE_STORE_WRITE)
        self.state.committed(prepared.changes, end)
        failpoints.hit(failpoints.AFTER_STORE_WRITE)
        self._dead_letters.committed()
        before, self.committed_offsets = self.committed_offsets, offsets
        self._since, self._idle_since = None, self._clock.monotonic()
        self._pieces.committed(offsets)
        self.state.careful = self._hand_over.raised or self._pieces.active
        self._hand_over.raised = False
        self._metrics.committed(self.number, self._taken, self._clock.monotonic() - started)
        read = {topic: intake.committed() for topic, intake in self.intakes.items()}
        self._metrics.moved(read, prepared.outputs)
        self._taken.clear()
        count(prepared.set_aside, self._metrics)
        self._around.on_commit(
            Committed(self.number, read, before, offsets, prepared.changes, prepared.outputs)
        )

    async def _prepare(self, offsets: Mapping[str, int]) -> Prepared:
        try:
            return await self.state.prepare(offsets)
        except NOBODYS_FAULT:
            raise
        except Exception as error:
            self._pieces.failed(error, self._taken.total(), self._last, offsets)
            raise HandlingError(f"the commit raised {error!r}") from error

    async def _wait(self) -> None:
        self._wake.clear()
        timeout = _IDLE_SECONDS
        if self._since is not None:
            timeout = self._since + self._pace.interval - self._clock.monotonic()
        if any(intake.waiting for intake in self.intakes.values()):
            timeout = min(timeout, _LOOK_SECONDS)
        try:
            async with asyncio.timeout(max(timeout, 0.001)):
                await self._wake.wait()
        except TimeoutError:
            pass
