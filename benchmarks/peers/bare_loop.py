"""Peer 2: the same job by hand on aiokafka, as an experienced engineer would write it.

Exactly once by one transaction per commit (outputs, one changelog record per dirty row, source
offsets); clicks and purchases merged by event time with a wait, as the contract has it; recent
clicks and totals per user, revenue per 5 min. State lies in dicts, not on disk, and the loop
cannot restore, rebalance, answer queries, expire by grace or refuse bad records: it is the speed
to compare with. Run: `python -m benchmarks.peers.bare_loop BROKER PARTITIONS JOIN_WAIT_MS`.
"""

from __future__ import annotations

import asyncio
import gc
import signal
import sys
import time
from collections.abc import Sequence
from typing import Any

import msgspec
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from benchmarks.peers.bare_state import CLICKS, PURCHASES, Click, Partition, Purchase

GROUP = "bare-loop"
ENRICHED, REVENUE, CHANGELOG = "bare-enriched-purchases", "bare-revenue", "bare-changelog"
COMMIT_S = 0.25
AHEAD, RESUME = 20_000, 5_000
BATCH_BYTES = 512 * 1024

decode_clicks = msgspec.json.Decoder(list[Click]).decode
decode_purchases = msgspec.json.Decoder(list[Purchase]).decode
encode = msgspec.json.encode


class Loop:
    """The consumer, the producer and all partitions."""

    def __init__(self, broker: str, partitions: int, wait_ms: int) -> None:
        """Make the clients; `run` connects them."""
        self.wait_ms = wait_ms
        self.partitions = [Partition(number) for number in range(partitions)]
        self.ended: set[TopicPartition] = set()
        self.committed: dict[TopicPartition, int] = {}
        self.consumer = AIOKafkaConsumer(
            CLICKS,
            PURCHASES,
            bootstrap_servers=broker,
            group_id=GROUP,
            isolation_level="read_committed",
            enable_auto_commit=False,
            auto_offset_reset="earliest",
        )
        self.producer = AIOKafkaProducer(
            bootstrap_servers=broker,
            transactional_id=GROUP,
            max_batch_size=BATCH_BYTES,
            max_request_size=2 * BATCH_BYTES,
        )

    async def run(self, stopped: asyncio.Event) -> None:
        """Fetch, merge and commit until `stopped`."""
        await self.producer.start()
        await self.consumer.start()
        due = time.monotonic() + COMMIT_S
        while not stopped.is_set():
            self.decode(await self.consumer.getmany(timeout_ms=100, max_records=10_000))
            await self.balance()
            for partition in self.partitions:
                clicks_ended = TopicPartition(CLICKS, partition.number) in self.ended
                purchases_ended = TopicPartition(PURCHASES, partition.number) in self.ended
                partition.take(self.wait_ms, clicks_ended, purchases_ended)
            if time.monotonic() >= due:
                await self.commit()
                due = time.monotonic() + COMMIT_S
        await self.consumer.stop()
        await self.producer.stop()

    def decode(self, fetched: dict[TopicPartition, Sequence[Any]]) -> None:
        """Decode each fetched batch at once and queue it."""
        for tp, records in fetched.items():
            array = b"[" + b",".join([record.value for record in records]) + b"]"
            partition = self.partitions[tp.partition]
            if tp.topic == CLICKS:
                events: list[Any] = decode_clicks(array)
                queue = partition.clicks
            else:
                events = decode_purchases(array)
                queue = partition.purchases
            queue.extend(
                [
                    (round(event.timestamp * 1000), record.offset, event)
                    for event, record in zip(events, records, strict=True)
                ]
            )

    async def balance(self) -> None:
        """Note which topics have been read to their end; hold back a queue that is far ahead."""
        paused = self.consumer.paused()
        for tp in self.consumer.assignment():
            end = self.consumer.last_stable_offset(tp)
            if end is not None and await self.consumer.position(tp) >= end:
                self.ended.add(tp)
            else:
                self.ended.discard(tp)
            partition = self.partitions[tp.partition]
            waiting = len(partition.clicks if tp.topic == CLICKS else partition.purchases)
            if waiting > AHEAD and tp not in paused:
                self.consumer.pause(tp)
            elif waiting < RESUME and tp in paused:
                self.consumer.resume(tp)

    async def commit(self) -> None:
        """Write outputs, changed rows and source offsets in one transaction."""
        offsets = {
            TopicPartition(topic, partition.number): offset
            for partition in self.partitions
            for topic, offset in partition.next.items()
            if offset and offset != self.committed.get(TopicPartition(topic, partition.number))
        }
        if not offsets:
            return
        await self.producer.begin_transaction()
        sends: list[Any] = []
        for partition in self.partitions:
            number = partition.number
            sends += await self.send(ENRICHED, number, partition.outputs)
            sends += await self.send(CHANGELOG, number, partition.changes())
            partition.outputs = []
        sends += await self.send(REVENUE, 0, self.revenue_rows())
        for sent in sends:
            await sent
        await self.producer.send_offsets_to_transaction(offsets, GROUP)
        await self.producer.commit_transaction()
        self.committed.update(offsets)

    def revenue_rows(self) -> list[tuple[bytes, bytes]]:
        """Return the changed windows, summed over the partitions, as output records."""
        changed = set().union(*(partition.dirty_revenue for partition in self.partitions))
        rows = []
        for window in changed:
            sums = [p.revenue[window] for p in self.partitions if window in p.revenue]
            revenue, count = (sum(column) for column in zip(*sums, strict=True))
            value = {"window_start": window, "revenue": revenue / 1e6, "purchases": count}
            rows.append((str(window).encode(), encode(value)))
        for partition in self.partitions:
            partition.dirty_revenue.clear()
        return rows

    async def send(self, topic: str, number: int, rows: Sequence[tuple[bytes, Any]]) -> list[Any]:
        """Append rows to batches and hand these to the producer; return their futures."""
        sends = []
        batch = self.producer.create_batch()
        for key, value in rows:
            if batch.append(key=key, value=value, timestamp=None) is None:
                sends.append(await self.producer.send_batch(batch, topic, partition=number))
                batch = self.producer.create_batch()
                batch.append(key=key, value=value, timestamp=None)
        if batch.record_count():
            sends.append(await self.producer.send_batch(batch, topic, partition=number))
        return sends


async def main() -> None:
    """Run until SIGTERM."""
    broker, partitions, wait_ms = sys.argv[1:]
    stopped = asyncio.Event()
    gc.freeze()
    gc.set_threshold(200_000, 20, 100)  # The default walks the whole state every few batches.
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopped.set)
    await Loop(broker, int(partitions), int(wait_ms)).run(stopped)


if __name__ == "__main__":
    asyncio.run(main())
