"""A transaction's records as aiokafka batches: one batch a topic, partition and half a megabyte."""

import asyncio
from collections.abc import Sequence
from typing import Any

from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.errors import (
    InvalidTimestampError,
    InvalidTopicError,
    MessageSizeTooLargeError,
    RecordListTooLargeError,
    TopicAuthorizationFailedError,
)

from app.engine import failpoints
from app.engine.errors import LostError, StateError
from app.engine.outputs import size_of
from app.engine.size_limits import SizeLimits
from app.engine.store.base import Change
from app.producer.partitioners import by_key
from models.outputs import Output

# ((topic, partition), number of records, the broker's metadata) of a batch.
Sent = tuple[tuple[str, int], int, Any]
_TOO_LARGE = (MessageSizeTooLargeError, RecordListTooLargeError)
# What trying again does not help against.
REFUSALS = (
    InvalidTimestampError,
    InvalidTopicError,
    TopicAuthorizationFailedError,
    *_TOO_LARGE,
)
# What a change's record adds to its key and value, at most.
_RECORD_BYTES = 32


class Batches:
    """Records of one transaction, batched by topic and partition, in order within each."""

    def __init__(
        self, producer: AIOKafkaProducer, count: int, limits: SizeLimits | None = None
    ) -> None:
        """`count`: partitions of every topic; `limits`: None where none is below a batch."""
        self._producer = producer
        self._count = count
        self._open: dict[tuple[str, int], Any] = {}
        self._limits = limits
        self._small = limits.below(producer._message_accumulator._batch_size) if limits else {}
        self._full: list[tuple[str, int, Any]] = []
        self._started: list[tuple[tuple[str, int], Any, asyncio.Future[Any]]] = []
        self._changelog = ""

    def add(self, output: Output) -> None:
        """Append a record."""
        topic, partition, headers = output.topic, output.partition, output.headers
        if partition is None:
            partition = by_key(output.key, self._count)
        place = (topic, partition)
        batch = self._open.get(place)
        given = list(headers) if headers else []
        small = self._small.get(topic)
        if small and batch is not None and batch.size() + size_of(output) > small:
            batch = self._next(topic, partition, batch)
        while batch is None or not batch.append(
            timestamp=output.timestamp, key=output.key, value=output.value, headers=given
        ):
            batch = self._next(topic, partition, batch)

    def add_changes(self, place: TopicPartition, changes: Sequence[Change]) -> None:
        """Append a changelog's records.

        There are as many as rows changed, so aiokafka's builder is called directly, as its
        `BatchBuilder.append` would.
        """
        topic, partition = self._changelog, _ = place
        batch = self._next(topic, partition, None)
        append, number, none = batch._builder.append, 0, []  # type: ignore[var-annotated]
        room = limit = self._small.get(topic, 1 << 30) - 128
        for key, value in changes:
            room -= len(key) + len(value or b"") + _RECORD_BYTES
            if (room < 0 < number) or append(number, None, key, value, none) is None:
                batch._relative_offset = number
                batch = self._next(topic, partition, batch)
                append, number = batch._builder.append, 0
                room = limit - len(key) - len(value or b"") - _RECORD_BYTES
                append(number, None, key, value, none)
            number += 1
        batch._relative_offset = number

    def _next(self, topic: str, partition: int, batch: Any) -> Any:  # noqa: ANN401 (aiokafka)
        if batch is not None:
            self._full.append((topic, partition, batch))
        batch = self._open[topic, partition] = self._producer.create_batch()
        return batch

    async def send(self) -> list[Sent]:
        """Start and finish."""
        await self.start()
        return await self.finish()

    async def start(self) -> None:
        """Hand all batches to the producer."""
        batches = [*self._full, *((t, p, b) for (t, p), b in self._open.items())]
        for topic, partition, batch in batches:
            future = await self._producer.send_batch(batch, topic, partition=partition)
            self._started.append(((topic, partition), batch, future))
            if failpoints.ARMED == failpoints.AFTER_SOME_SENDS:
                await future  # The broker has this one; a hand-over alone may have sent nothing.
                failpoints.hit(failpoints.AFTER_SOME_SENDS)

    async def finish(self) -> list[Sent]:
        """Await every batch (reliability, rule 2); what the broker said of each, in order.

        Raises KafkaError on the first failure, StateError where the broker will never take it,
        LostError where it will once its new limit is kept.
        """
        futures = [future for _, _, future in self._started]
        results = await asyncio.gather(*futures, return_exceptions=True)
        for ((topic, _), batch, _), result in zip(self._started, results, strict=True):
            if isinstance(result, _TOO_LARGE) and await self._explained(topic, batch.size()):
                raise LostError(f"topic {topic} takes less than before") from result
            if isinstance(result, REFUSALS):
                raise StateError(
                    f"the broker refuses a record for {topic} ({type(result).__name__}): its "
                    "settings have changed, or this is a bug; put them right and start again"
                ) from result
            if isinstance(result, BaseException):
                raise result
        return [
            (place, batch.record_count(), result)
            for (place, batch, _), result in zip(self._started, results, strict=True)
        ]

    async def _explained(self, topic: str, size: int) -> bool:
        """Whether doing it again is of use: never for a row, which must fit (rule 12)."""
        if self._limits is None or topic == self._changelog:
            return False
        return await self._limits.explain(topic, size)

    def abandon(self) -> None:
        """Let go of what was started: its transaction is lost."""
        for _, _, future in self._started:
            future.add_done_callback(_ignore)


def _ignore(future: "asyncio.Future[Any]") -> None:
    if not future.cancelled():
        future.exception()
