"""Consume, transform, produce, exactly once, with nothing but aiokafka.

python docs/examples/exactly_once.py BROKER SOURCE TARGET GROUP

doubles the `value` of each JSON object in SOURCE and writes it to the same partition of TARGET,
with the record's offset committed in the same Kafka transaction. docs/consuming.md says why each
step is there. It ends with an error whenever it cannot know what has become of a transaction;
started again, it goes on from what Kafka has committed.
"""

import asyncio
import json
import signal
import sys
from collections.abc import Awaitable, Callable, Collection, Sequence
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.abc import ConsumerRebalanceListener
from aiokafka.structs import OffsetAndMetadata

Transform = Callable[[bytes | None], Awaitable[bytes]]
BATCH = 200
"""Records a transaction: they must be transformed within its time-out."""
TRANSACTION_MS = 15_000


class ExactlyOnce(ConsumerRebalanceListener):  # type: ignore[misc]
    """A member of the group, with one transactional producer for each partition that it has."""

    def __init__(
        self, broker: str, source: str, target: str, group: str, transform: Transform
    ) -> None:
        """SOURCE and TARGET have the same number of partitions."""
        self._broker, self._source, self._target, self._group = broker, source, target, group
        self._transform = transform
        self._producers: dict[TopicPartition, AIOKafkaProducer] = {}
        self._assigned = False
        self._acquired = False  # Until then nothing that was read is used.
        self._busy = asyncio.Lock()  # Held during a transaction: a rebalance waits for its end.
        self._stopping = False

    def stop(self) -> None:
        """End `run` after the transaction in hand."""
        self._stopping = True

    async def run(self) -> None:
        """Process until stopped; any error ends it, with nothing half done."""
        consumer = AIOKafkaConsumer(
            bootstrap_servers=self._broker,
            group_id=self._group,
            enable_auto_commit=False,
            isolation_level="read_committed",
            auto_offset_reset="earliest",
        )
        consumer.subscribe([self._source], listener=self)
        await consumer.start()
        try:
            while not self._stopping:
                await self._acquire(consumer)
                found = await consumer.getmany(timeout_ms=200, max_records=BATCH)
                for place, records in found.items():
                    await self._process(place, records)
        finally:
            await self._let_go()
            await consumer.stop()

    async def on_partitions_revoked(self, revoked: Collection[TopicPartition]) -> None:
        """Wait for the transaction in hand; begin none before partitions are acquired anew."""
        async with self._busy:
            self._assigned = self._acquired = False
            await self._let_go()

    async def on_partitions_assigned(self, assigned: Collection[TopicPartition]) -> None:
        """Have `run` acquire them: an error in here would only be logged."""
        self._assigned = True

    async def _acquire(self, consumer: AIOKafkaConsumer) -> None:
        """Become the partitions' only writer, then ask where to go on, in this order."""
        async with self._busy:
            if self._acquired or not self._assigned:
                return
            for place in consumer.assignment():
                producer = AIOKafkaProducer(
                    bootstrap_servers=self._broker,
                    transactional_id=f"{self._group}-{place.topic}-{place.partition}",
                    transaction_timeout_ms=TRANSACTION_MS,
                )
                # Fences the former owner, and ends the transaction that it may have left open.
                await producer.start()
                self._producers[place] = producer
                # Only now is this offset the last word.
                offset = await consumer.committed(place)
                if offset is None:
                    await consumer.seek_to_beginning(place)
                else:
                    consumer.seek(place, offset)
            self._acquired = True

    async def _process(self, place: TopicPartition, records: Sequence[Any]) -> None:
        """Transform records of one partition in one transaction."""
        async with self._busy:
            if not self._acquired:
                return  # They were read in another assignment, and are read again in this one.
            producer = self._producers[place]
            await producer.begin_transaction()
            try:
                await self._write(producer, place, records)
            except Exception:
                await producer.abort_transaction()
                raise
            next_offset = {place: OffsetAndMetadata(records[-1].offset + 1, "")}
            await producer.send_offsets_to_transaction(next_offset, self._group)
            # Should this fail, it may still have been committed: neither the producer nor the
            # position is used again.
            await producer.commit_transaction()

    async def _write(
        self, producer: AIOKafkaProducer, place: TopicPartition, records: Sequence[Any]
    ) -> None:
        sent = []
        for record in records:
            value = await self._transform(record.value)
            sent.append(
                await producer.send(self._target, value, record.key, partition=place.partition)
            )
        # A commit does not report a record that the broker refused; its future does.
        await asyncio.gather(*sent)

    async def _let_go(self) -> None:
        producers, self._producers = self._producers, {}
        stops = [asyncio.wait_for(producer.stop(), 5) for producer in producers.values()]
        await asyncio.gather(*stops, return_exceptions=True)


async def double(value: bytes | None) -> bytes:
    """Double `value`."""
    event = json.loads(value or b"")
    event["value"] *= 2
    return json.dumps(event).encode()


async def main(
    broker: str, source: str, target: str, group: str, transform: Transform = double
) -> None:
    """Run until SIGTERM."""
    processor = ExactlyOnce(broker, source, target, group, transform)
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, processor.stop)
    await processor.run()


if __name__ == "__main__":
    _, kafka, from_topic, to_topic, group_id = sys.argv
    asyncio.run(main(kafka, from_topic, to_topic, group_id))
