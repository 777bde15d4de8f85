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
from app.engine.errors import StateError
from app.engine.store.base import Change
from app.producer.partitioners import by_key
from models.outputs import Output

# ((topic, partition), number of records, the broker's metadata) of a batch.
Sent = tuple[tuple[str, int], int, Any]
# What trying again does not help against.
REFUSALS = (
    InvalidTimestampError,
    InvalidTopicError,
    MessageSizeTooLargeError,
    RecordListTooLargeError,
    TopicAuthorizationFailedError,
)


class Batches:
    """Records of one transaction, batched by topic and partition, in order within each."""

    def __init__(self, producer: AIOKafkaProducer, count: int) -> None:
        """`count`: partitions of every topic."""
        self._producer = producer
        self._count = count
        self._open: dict[tuple[str, int], Any] = {}
        self._full: list[tuple[str, int, Any]] = []
        self._started: list[tuple[tuple[str, int], int, asyncio.Future[Any]]] = []

    def add(self, output: Output) -> None:
        """Append a record."""
        topic, partition, headers = output.topic, output.partition, output.headers
        if partition is None:
            partition = by_key(output.key, self._count)
        place = (topic, partition)
        batch = self._open.get(place)
        given = list(headers) if headers else []
        while batch is None or not batch.append(
            timestamp=output.timestamp, key=output.key, value=output.value, headers=given
        ):
            batch = self._next(topic, partition, batch)

    def add_changes(self, place: TopicPartition, changes: Sequence[Change]) -> None:
        """Append a changelog's records.

        There are as many as rows changed, so aiokafka's builder is called directly, as its
        `BatchBuilder.append` would.
        """
        topic, partition = place
        batch = self._next(topic, partition, None)
        append, number, none = batch._builder.append, 0, []  # type: ignore[var-annotated]
        for key, value in changes:
            if append(number, None, key, value, none) is None:
                batch._relative_offset = number
                batch = self._next(topic, partition, batch)
                append, number = batch._builder.append, 0
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
            records = batch.record_count()
            future = await self._producer.send_batch(batch, topic, partition=partition)
            self._started.append(((topic, partition), records, future))
            if failpoints.ARMED == failpoints.AFTER_SOME_SENDS:
                await future  # The broker has this one; a hand-over alone may have sent nothing.
                failpoints.hit(failpoints.AFTER_SOME_SENDS)

    async def finish(self) -> list[Sent]:
        """Await every batch (reliability, rule 2); what the broker said of each, in order.

        Raises KafkaError on the first failure, StateError where the broker will never take it.
        """
        futures = [future for _, _, future in self._started]
        results = await asyncio.gather(*futures, return_exceptions=True)
        for ((topic, _), _, _), result in zip(self._started, results, strict=True):
            if isinstance(result, REFUSALS):
                raise StateError(
                    f"the broker refuses a record for {topic} ({type(result).__name__}): its "
                    "settings have changed, or this is a bug; put them right and start again"
                ) from result
            if isinstance(result, BaseException):
                raise result
        return [
            (place, records, result)
            for (place, records, _), result in zip(self._started, results, strict=True)
        ]

    def abandon(self) -> None:
        """Let go of what was started: its transaction is lost."""
        for _, _, future in self._started:
            future.add_done_callback(_ignore)


def _ignore(future: "asyncio.Future[Any]") -> None:
    if not future.cancelled():
        future.exception()
