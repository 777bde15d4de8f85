"""Kafka clients of a worker beside the group's consumer: its producers, and restore's reader."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from app.engine.writer import CommitOffsets, PlainWriter, TransactionWriter, Writer
from app.settings import Settings

_BATCH_BYTES = 512 * 1024
_REQUEST_BYTES = 4 * 1024 * 1024


def producer(settings: Settings, transactional_id: str | None) -> AIOKafkaProducer:
    """Make an idempotent producer, a transactional one if it has an id."""
    transaction: dict[str, Any] = {}
    if transactional_id is not None:
        transaction = {
            "transactional_id": transactional_id,
            "transaction_timeout_ms": settings.transaction_timeout,
        }
    return AIOKafkaProducer(
        bootstrap_servers=settings.broker,
        client_id=transactional_id or f"{settings.app_id}-producer",
        acks="all",
        enable_idempotence=True,
        max_batch_size=_BATCH_BYTES,
        max_request_size=_REQUEST_BYTES,
        **transaction,
    )


def writers(
    settings: Settings, commit_offsets: CommitOffsets, changelog: str, partitions: int
) -> Callable[[int], Writer]:
    """Make the function that gives a partition its writer, by `processing_guarantee`."""
    seconds = settings.transaction_timeout / 1000

    def connect(transactional_id: str | None) -> AIOKafkaProducer:
        return producer(settings, transactional_id)

    def make(number: int) -> Writer:
        place = TopicPartition(changelog, number)
        if settings.processing_guarantee == "exactly_once":
            return TransactionWriter(connect, place, partitions, seconds, settings.app_id)
        first = settings.processing_guarantee == "at_most_once"
        return PlainWriter(connect, place, partitions, seconds, commit_offsets, offsets_first=first)

    return make


@asynccontextmanager
async def reader(settings: Settings) -> AsyncIterator[AIOKafkaConsumer]:
    """Give a consumer of no group that reads committed records, for a while."""
    consumer = AIOKafkaConsumer(
        bootstrap_servers=settings.broker,
        client_id=f"{settings.app_id}-restore",
        isolation_level="read_committed",
        enable_auto_commit=False,
        max_partition_fetch_bytes=4 * 1024 * 1024,
        fetch_max_wait_ms=50,
    )
    try:
        await consumer.start()
        yield consumer
    finally:
        await consumer.stop()
