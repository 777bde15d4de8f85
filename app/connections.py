"""Kafka clients of a worker beside the group's consumer: its producers, and restore's reader."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from app.engine.sent_once import send_once
from app.engine.size_limits import SizeLimits
from app.engine.topic_watch import Confirm
from app.engine.writer import CommitOffsets, Offsets, PlainWriter, TransactionWriter, Writer
from app.settings import Settings

_BATCH_BYTES = 512 * 1024
_REQUEST_BYTES = 4 * 1024 * 1024
_PARTITION_BYTES = 4 * 1024 * 1024


class WatchedProducer(AIOKafkaProducer):  # type: ignore[misc]
    """Ends no transaction before `confirm`, called when it began, has returned."""

    confirm: Confirm
    _confirmed: "asyncio.Task[None]"

    async def begin_transaction(self) -> None:
        """Have the topics looked at while the records are on their way."""
        await super().begin_transaction()
        self._confirmed = asyncio.create_task(self._confirm())
        self._confirmed.add_done_callback(lambda done: done.cancelled() or done.exception())

    async def _confirm(self) -> None:
        await self.confirm()

    async def commit_transaction(self) -> None:
        """Commit. Raises what `confirm` raised; then the transaction is still open."""
        await self._confirmed
        await super().commit_transaction()


async def unwatched() -> None:
    """Confirm topics unseen: a `Confirm` for who has no use of a watch."""


def producer(
    settings: Settings, transactional_id: str | None, confirm: Confirm = unwatched
) -> AIOKafkaProducer:
    """Make an idempotent producer, a transactional one if it has an id."""
    transaction: dict[str, Any] = {}
    if transactional_id is not None:
        transaction = {
            "transactional_id": transactional_id,
            "transaction_timeout_ms": settings.transaction_timeout,
        }
    made = WatchedProducer(
        **settings.cluster.arguments(),
        client_id=transactional_id or f"{settings.app_id}-producer",
        acks="all",
        enable_idempotence=True,
        compression_type=None if settings.compression == "none" else settings.compression,
        max_batch_size=_BATCH_BYTES,
        max_request_size=_REQUEST_BYTES,
        **transaction,
    )
    made.confirm = confirm
    return made if transactional_id is None else send_once(made)


def transaction_writer(
    settings: Settings,
    changelog: TopicPartition,
    partitions: int,
    limits: SizeLimits | None = None,
    confirm: Confirm = unwatched,
) -> TransactionWriter:
    """Make what writes the transactions of the source partition that this changelog's is of."""

    def connect(transactional_id: str | None) -> AIOKafkaProducer:
        return producer(settings, transactional_id, confirm)

    seconds = settings.transaction_timeout / 1000
    return TransactionWriter(connect, changelog, partitions, seconds, settings.app_id, limits)


def writers(
    settings: Settings,
    commit_offsets: CommitOffsets,
    changelog: str,
    partitions: int,
    limits: SizeLimits,
    confirm: Confirm = unwatched,
) -> Callable[[int], Writer]:
    """Make the function that gives a partition its writer, by `processing_guarantee`.

    `confirm`: awaited before every commit of offsets; what it raises prevents the commit.
    """
    seconds = settings.transaction_timeout / 1000

    def connect(transactional_id: str | None) -> AIOKafkaProducer:
        return producer(settings, transactional_id, confirm)

    async def commit(offsets: Offsets) -> None:
        await confirm()
        await commit_offsets(offsets)

    def make(number: int) -> Writer:
        place = TopicPartition(changelog, number)
        if settings.processing_guarantee == "exactly_once":
            return transaction_writer(settings, place, partitions, limits, confirm)
        first = settings.processing_guarantee == "at_most_once"
        return PlainWriter(
            connect, place, partitions, seconds, commit, offsets_first=first, limits=limits
        )

    return make


@asynccontextmanager
async def reader(
    settings: Settings, partition_bytes: int = _PARTITION_BYTES
) -> AsyncIterator[AIOKafkaConsumer]:
    """Give a consumer of no group that reads committed records, for a while.

    `partition_bytes`: how much is fetched of a partition at a time, a whole batch at least.
    """
    consumer = AIOKafkaConsumer(
        **settings.cluster.arguments(),
        client_id=f"{settings.app_id}-restore",
        isolation_level="read_committed",
        enable_auto_commit=False,
        # Of a changelog whose beginning has moved on nothing may be left out unnoticed.
        auto_offset_reset="none",
        max_partition_fetch_bytes=partition_bytes,
        fetch_max_wait_ms=50,
    )
    try:
        await consumer.start()
        yield consumer
    finally:
        await consumer.stop()
