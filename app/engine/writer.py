"""How a partition's transaction reaches Kafka, by `processing_guarantee`.

exactly_once: one producer per source partition with the transactional id `{app_id}-{partition}`.
Initialising it fences the partition's former owner and ends its open transaction (KIP-98).
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Protocol

from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.errors import IllegalOperation, KafkaError
from aiokafka.structs import OffsetAndMetadata

from app.engine import failpoints, wire_failpoints
from app.engine.errors import LostError
from app.engine.given_up import stop_quietly
from app.engine.record_batches import Batches
from app.engine.size_limits import SizeLimits
from app.engine.store.base import Change
from models.outputs import Output
from models.partials import STREAM_TIME_KEY

Offsets = Mapping[TopicPartition, int]
CommitOffsets = Callable[[Offsets], Awaitable[None]]
MakeProducer = Callable[[str | None], AIOKafkaProducer]


class Writer(Protocol):
    """Writes one partition's transactions."""

    async def open(self) -> None:
        """Become the only writer of the partition. Raises LostError."""

    async def commit(
        self, changes: Sequence[Change], outputs: Sequence[Output], offsets: Offsets
    ) -> int:
        """Write all, or in the end none of it; the changelog offset behind it.

        Raises LostError when the outcome is not known to be a commit.
        """

    async def close(self) -> None:
        """Let go of connections."""


class _Writing:
    """What all guarantees share: the producer, and a transaction's records as batches."""

    def __init__(
        self,
        make: MakeProducer,
        changelog: TopicPartition,
        count: int,
        timeout: float,
        limits: SizeLimits | None,
    ) -> None:
        """`timeout`: seconds after which an outcome counts as unknown."""
        self._make = make
        self._changelog = changelog
        self._count = count
        self._timeout = timeout
        self._limits = limits
        self._producer: AIOKafkaProducer | None = None

    async def _start(self, transactional_id: str | None) -> None:
        await self.close()
        producer = self._make(transactional_id)
        try:
            async with asyncio.timeout(self._timeout):
                await producer.start()
        except (KafkaError, TimeoutError) as error:
            await stop_quietly(producer)
            raise LostError(f"the producer could not start: {error!r}") from error
        except asyncio.CancelledError:
            await stop_quietly(producer)
            raise
        self._producer = producer
        wire_failpoints.arm(producer)

    async def close(self) -> None:
        """See `Writer`."""
        producer, self._producer = self._producer, None
        if producer is not None:
            await stop_quietly(producer)

    def _running(self) -> AIOKafkaProducer:
        if self._producer is None:
            raise LostError("the producer is not open")
        return self._producer

    def _batches(self, changes: Sequence[Change], outputs: Sequence[Output]) -> Batches:
        batches = Batches(self._running(), self._count, self._limits)
        for output in outputs:
            batches.add(output)
        batches.add_changes(self._changelog, changes)
        return batches

    async def _finish(self, batches: Batches) -> int:
        """Await all records; the changelog offset behind them."""
        ends: list[int] = [
            sent.offset + count
            for place, count, sent in await batches.finish()
            if place == self._changelog
        ]
        return max(ends)


class TransactionWriter(_Writing):
    """exactly_once: changes, outputs and offsets in one Kafka transaction."""

    def __init__(
        self,
        make: MakeProducer,
        changelog: TopicPartition,
        count: int,
        timeout: float,
        app_id: str,
        limits: SizeLimits | None = None,
    ) -> None:
        """`app_id`: the consumer group and the transactional ids' prefix."""
        super().__init__(make, changelog, count, timeout, limits)
        self._group = app_id
        self._id = f"{app_id}-{changelog.partition}"

    async def open(self) -> None:
        """See `Writer`."""
        await self._start(self._id)

    async def commit(
        self, changes: Sequence[Change], outputs: Sequence[Output], offsets: Offsets
    ) -> int:
        """See `Writer`."""
        try:
            async with asyncio.timeout(self._timeout):
                return await self._transaction(changes, outputs, offsets)
        except (KafkaError, IllegalOperation, TimeoutError, AssertionError) as error:
            raise LostError(f"the transaction of {self._id} failed: {error!r}") from error

    async def _transaction(
        self, changes: Sequence[Change], outputs: Sequence[Output], offsets: Offsets
    ) -> int:
        producer = self._running()
        await producer.begin_transaction()
        batches = self._batches(changes, outputs)
        try:
            await batches.start()
            # While the records are on their way; both are awaited before the end.
            committed = {tp: OffsetAndMetadata(offset, "") for tp, offset in offsets.items()}
            if committed:
                await producer.send_offsets_to_transaction(committed, self._group)
            end = await self._finish(batches)
            failpoints.hit(failpoints.BEFORE_END)
            if failpoints.ARMED == failpoints.AT_WINDOW_CLOSE and _closes_window(outputs):
                failpoints.hit(failpoints.AT_WINDOW_CLOSE)
            await producer.commit_transaction()
        except BaseException:
            batches.abandon()
            raise
        return end


def _closes_window(outputs: Sequence[Output]) -> bool:
    """Whether stream time passes a window's close: the owners of the windows are told of it."""
    return any(output.key == STREAM_TIME_KEY for output in outputs)


class PlainWriter(_Writing):
    """at_least_once: outputs, then state, then offsets. at_most_once: the other way round.

    Each step is acknowledged before the next begins. State says what has been done (windows that
    are closed, stream time): were it ahead of the outputs after a crash, at_least_once would never
    write them; were it behind, at_most_once would write them again.
    """

    def __init__(
        self,
        make: MakeProducer,
        changelog: TopicPartition,
        count: int,
        timeout: float,
        commit_offsets: CommitOffsets,
        *,
        offsets_first: bool,
        limits: SizeLimits | None = None,
    ) -> None:
        """`commit_offsets`: a plain offset commit with the member's generation."""
        super().__init__(make, changelog, count, timeout, limits)
        self._commit_offsets = commit_offsets
        self._offsets_first = offsets_first

    async def open(self) -> None:
        """See `Writer`."""
        await self._start(None)

    async def commit(
        self, changes: Sequence[Change], outputs: Sequence[Output], offsets: Offsets
    ) -> int:
        """See `Writer`."""
        try:
            async with asyncio.timeout(self._timeout):
                # The metadata row alone says of nothing that it is done, so it may go first: a
                # first deployment that breaks off leaves no offsets that no state belongs to.
                if self._offsets_first and (outputs or len(changes) > 1):
                    return await self._at_most_once(changes, outputs, offsets)
                return await self._at_least_once(changes, outputs, offsets)
        except (KafkaError, TimeoutError) as error:
            raise LostError(f"the commit failed: {error!r}") from error

    async def _at_least_once(
        self, changes: Sequence[Change], outputs: Sequence[Output], offsets: Offsets
    ) -> int:
        await self._write_outputs(outputs)
        end = await self._write_state(changes)
        failpoints.hit(failpoints.BEFORE_OFFSETS)
        await self._commit_offsets(offsets)
        failpoints.hit(failpoints.AFTER_OFFSETS)
        return end

    async def _at_most_once(
        self, changes: Sequence[Change], outputs: Sequence[Output], offsets: Offsets
    ) -> int:
        failpoints.hit(failpoints.BEFORE_OFFSETS)
        await self._commit_offsets(offsets)
        failpoints.hit(failpoints.AFTER_OFFSETS)
        end = await self._write_state(changes)
        await self._write_outputs(outputs)
        return end

    async def _write_outputs(self, outputs: Sequence[Output]) -> None:
        batches = Batches(self._running(), self._count, self._limits)
        for output in outputs:
            batches.add(output)
        await batches.send()

    async def _write_state(self, changes: Sequence[Change]) -> int:
        """Write the changelog's records, the metadata row last; the offset behind them."""
        batches = self._batches(changes, [])
        await batches.start()
        return await self._finish(batches)
