"""What the benchmark itself does on the broker: topics, bulk load, group offsets, outputs."""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRecord, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import (
    TopicAlreadyExistsError,
    for_code,
)

from app.group_offsets import NOT_YET, group_offsets
from benchmarks.generate import Keyed
from benchmarks.measure import RunFailedError

BATCH_BYTES = 512 * 1024
SETTLED_S = 30.0
FOREVER_MS = str(2**63 - 1)
INPUT_CONFIGS = {
    "message.timestamp.type": "LogAppendTime",
    "retention.ms": "-1",
    "message.timestamp.after.max.ms": FOREVER_MS,
    "message.timestamp.before.max.ms": FOREVER_MS,
}
"""The contract's settings of input topics (section 2)."""
OUTPUT_CONFIGS = {name: INPUT_CONFIGS[name] for name in list(INPUT_CONFIGS)[1:]}

Ends = Mapping[TopicPartition, int]


@asynccontextmanager
async def admin(broker: str) -> AsyncIterator[AIOKafkaAdminClient]:
    """Connect an admin client to `broker` for the length of the block."""
    client = AIOKafkaAdminClient(bootstrap_servers=broker)
    await client.start()
    try:
        yield client
    finally:
        await client.close()


async def create_topics(
    broker: str, names: Sequence[str], partitions: int, configs: Mapping[str, str]
) -> None:
    """Create the topics that do not exist yet; raises KafkaError where the broker refuses."""
    topics = [NewTopic(name, partitions, 1, topic_configs=dict(configs)) for name in names]
    async with admin(broker) as client:
        response = await client.create_topics(topics)
    for name, code, *rest in response.topic_errors:
        error = for_code(code)
        if code and error is not TopicAlreadyExistsError:
            raise error(f"{name}: {rest}")


async def load(
    broker: str,
    topic: str,
    records: Iterable[Keyed],
    progress: Callable[[int], None] = lambda _: None,
) -> dict[int, int]:
    """Produce `records` in their order per partition, in large batches.

    Returns the number of records by partition. One batch per partition is in flight.
    """
    producer = AIOKafkaProducer(
        bootstrap_servers=broker,
        acks="all",
        compression_type="lz4",
        max_batch_size=BATCH_BYTES,
        max_request_size=2 * BATCH_BYTES,
    )
    counts: dict[int, int] = defaultdict(int)
    await producer.start()
    try:
        loader = _Loader(producer, topic)
        for total, record in enumerate(records, 1):
            counts[record.partition] += 1
            await loader.add(record)
            if total % 50_000 == 0:
                progress(total)
        await loader.finish()
    finally:
        await producer.stop()
    return dict(counts)


class _Loader:
    """One open and one sent batch for each partition."""

    def __init__(self, producer: AIOKafkaProducer, topic: str) -> None:
        self._producer = producer
        self._topic = topic
        self._open: dict[int, Any] = defaultdict(producer.create_batch)
        self._sent: dict[int, asyncio.Future[object]] = {}

    async def add(self, record: Keyed) -> None:
        """Append the record, sending the partition's batch when that is full."""
        partition, key, value = record
        if self._open[partition].append(key=key, value=value, timestamp=None) is None:
            await self._send(partition)
            self._open[partition].append(key=key, value=value, timestamp=None)

    async def _send(self, partition: int) -> None:
        if partition in self._sent:
            await self._sent.pop(partition)
        batch = self._open.pop(partition)
        self._sent[partition] = await self._producer.send_batch(
            batch, self._topic, partition=partition
        )

    async def finish(self) -> None:
        """Send what is open and wait until all of it is written."""
        for partition in list(self._open):
            await self._send(partition)
        for sent in self._sent.values():
            await sent


def ends_of(topic: str, counts: Mapping[int, int]) -> dict[TopicPartition, int]:
    """Turn records by partition into end offsets of `topic`."""
    return {TopicPartition(topic, partition): end for partition, end in counts.items()}


async def committed(client: AIOKafkaAdminClient, group: str, ends: Ends) -> int:
    """Count the records of `ends` that `group` has committed."""
    try:
        offsets = await group_offsets(client, group, ends)
    except NOT_YET:
        return 0  # The broker makes its offsets topic when the first group asks for it.
    return sum(min(offsets[tp], end) for tp, end in ends.items() if tp in offsets)


async def read_committed(broker: str, topic: str) -> AsyncIterator[Sequence[ConsumerRecord]]:
    """Read what lies in `topic` now, a batch of committed records of one partition at a time.

    Reads to the high watermark, since a commit's markers reach the partitions one by one, after
    the commit was acknowledged. Raises RunFailedError if a transaction stays open for 30 s.
    """
    ends = await _high_watermarks(broker, topic)
    consumer = AIOKafkaConsumer(
        bootstrap_servers=broker, isolation_level="read_committed", enable_auto_commit=False
    )
    await consumer.start()
    try:
        consumer.assign(list(ends))
        await consumer.seek_to_beginning(*ends)
        deadline = time.monotonic() + SETTLED_S
        while await _unread(consumer, ends):
            fetched = await consumer.getmany(timeout_ms=200, max_records=20_000)
            for records in fetched.values():
                yield records
                deadline = time.monotonic() + SETTLED_S
            if time.monotonic() > deadline:
                raise RunFailedError(f"{topic}: a transaction stays open, its end is not readable")
    finally:
        await consumer.stop()


async def _high_watermarks(broker: str, topic: str) -> dict[TopicPartition, int]:
    async with admin(broker) as client:
        (description,) = await client.describe_topics([topic])
    found = [TopicPartition(topic, part["partition"]) for part in description["partitions"]]
    consumer = AIOKafkaConsumer(bootstrap_servers=broker, isolation_level="read_uncommitted")
    await consumer.start()
    try:
        ends: dict[TopicPartition, int] = await consumer.end_offsets(found)
    finally:
        await consumer.stop()
    return ends


async def _unread(consumer: AIOKafkaConsumer, ends: Ends) -> bool:
    for partition, end in ends.items():
        if await consumer.position(partition) < end:
            return True
    return False
