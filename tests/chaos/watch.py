"""A read_committed reader that runs throughout: every record once, and no step back."""

import asyncio
import json
import time
from bisect import bisect_right
from collections.abc import Sequence
from contextlib import suppress
from decimal import Decimal
from itertools import pairwise

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from app.engine.metadata import KEY, Metadata
from models.topics import Direction
from tests.oracle.compare_outputs import source_of
from tests.oracle.records import AVERAGES, COUNTS, REVENUE, SESSIONS, Record
from tests.support.service import Service
from tests.support.topics import places

Rows = dict[bytes, bytes]
ENDS = {AVERAGES: "window_end", SESSIONS: "end"}
"""What each value on these topics is told apart by, of one user."""


class Watch:
    """Reads outputs and changelog while they are written.

    `records`: the outputs in the order seen; `rows`: {partition: the changelog's last value by
    key}; `commits`: {partition: epoch ms at which each commit was made}, `arrivals`: at which it
    was read; `differences`: what no reader may ever see.
    """

    def __init__(self, service: Service, changelog: str) -> None:
        self._service = service
        self._changelog = changelog
        self.records: list[Record] = []
        self.rows: dict[int, Rows] = {n: {} for n in range(service.partitions)}
        self.commits: dict[int, list[int]] = {n: [] for n in range(service.partitions)}
        self.arrivals: dict[int, list[int]] = {n: [] for n in range(service.partitions)}
        self.offsets: dict[int, dict[str, int]] = {n: {} for n in range(service.partitions)}
        self.differences: list[str] = []
        self.reconnected = 0
        outputs = service.of(Direction.OUTPUT)
        self._roles = {name: role for role, name in service.names.items()}
        self._places = places([*outputs, changelog], service.partitions)
        self.next = dict.fromkeys(self._places, 0)
        self._sources: set[tuple[str, object]] = set()
        self._numbers: dict[tuple[str, bytes], tuple[int, ...]] = {}
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Read until `stop`."""
        self._task = asyncio.create_task(self._run(), name="watch")

    async def stop(self) -> None:
        """Stop reading; raises what ended the reader, if something did."""
        task, self._task = self._task, None
        if task is None:
            return
        if not task.done():
            task.cancel()
        with suppress(asyncio.CancelledError):
            await task

    def first_commit(self, partition: int, since: int) -> int | None:
        """When, in epoch ms, the first commit that was made after `since` could be read."""
        commits = self.commits[partition]
        place = bisect_right(commits, since)
        return self.arrivals[partition][place] if place < len(commits) else None

    def standstill(self, partition: int, since: int, until: int) -> float:
        """The longest time without a commit from `since` to the first after `until`; seconds.

        By when the commits were made, however late they could be read.
        """
        commits = self.commits[partition]
        first, last = bisect_right(commits, since), bisect_right(commits, until)
        times = [since, *commits[first : last + 1]]
        return max((b - a for a, b in pairwise(times)), default=0) / 1000

    async def _run(self) -> None:
        while True:
            with suppress(KafkaError, OSError, TimeoutError):
                await self._read()
            self.reconnected += 1
            await asyncio.sleep(0.5)

    async def _read(self) -> None:
        consumer = AIOKafkaConsumer(
            bootstrap_servers=self._service.bootstrap,
            isolation_level="read_committed",
            enable_auto_commit=False,
            auto_offset_reset="none",
            max_partition_fetch_bytes=4 << 20,
            fetch_max_wait_ms=100,
            request_timeout_ms=10_000,
        )
        try:
            await consumer.start()
            consumer.assign(self._places)
            for place, offset in self.next.items():
                consumer.seek(place, offset)
            while True:
                fetched = await consumer.getmany(timeout_ms=200, max_records=4000)
                for place, records in fetched.items():
                    self.take(place, records)
        finally:
            await consumer.stop()

    def take(self, place: TopicPartition, records: Sequence[object]) -> None:
        """Note records as they were read."""
        for raw in records:
            record = Record.of(raw)
            if record.offset < self.next[place]:
                self.differ("reader:order", f"{record.position} after {self.next[place] - 1}")
            self.next[place] = record.offset + 1
            if record.topic == self._changelog:
                self._take_change(record)
            else:
                self.records.append(record)
                self._take_output(record)

    def _take_change(self, record: Record) -> None:
        key, rows = record.key or b"", self.rows[record.partition]
        if record.value is None:
            rows.pop(key, None)
        else:
            rows[key] = record.value
        if key != KEY:
            return
        self.commits[record.partition].append(record.timestamp)
        self.arrivals[record.partition].append(int(time.time() * 1000))
        metadata = Metadata.decode(record.value)
        before, after = self.offsets[record.partition], metadata.offsets if metadata else {}
        for topic, offset in before.items():
            if after.get(topic, -1) < offset:
                where = f"partition {record.partition} at {record.offset}"
                self.differ("reader:offsets-back", f"{where}: {before}, then {after}")
                break
        self.offsets[record.partition] = dict(after)

    def _take_output(self, record: Record) -> None:
        role = self._roles[record.topic]
        if role in (COUNTS, REVENUE):
            numbers = numbers_of(record.value)
            key = (role, record.key or b"")
            before = self._numbers.get(key, ())
            if numbers == before:
                self.differ("reader:twice", f"{key} {numbers} twice in a row")
            elif any(a < b for a, b in zip(numbers, before, strict=False)):
                self.differ("reader:step-back", f"{key} {before}, then {numbers}")
            self._numbers[key] = numbers
            return
        if role in ENDS:
            self._take_closed(role, record)
            return
        source = source_of(record)
        if (role, source) in self._sources:
            self.differ("reader:twice", f"{role} {source} at {record.position}")
        self._sources.add((role, source))

    def _take_closed(self, role: str, record: Record) -> None:
        """A window or a session that has closed: a user's come once, in the order of their ends."""
        end = int(json.loads(record.value or b"{}")[ENDS[role]])
        place = (role, record.key or b"")
        before = self._numbers.get(place, (-1,))
        if (end,) <= before:
            check = "reader:twice" if (end,) == before else "reader:step-back"
            self.differ(check, f"{place} {before[0]}, then {end}")
        self._numbers[place] = max(before, (end,))

    def differ(self, check: str, text: str) -> None:
        """Note what must not be."""
        self.differences.append(f"{check}: {text}")


def numbers_of(value: bytes | None) -> tuple[int, ...]:
    """What only grows: a count, or revenue in millionths and purchases."""
    content = json.loads(value or b"0", parse_float=str)
    if not isinstance(content, dict):
        return (int(content),)
    return int(Decimal(content["revenue"]) * 10**6), int(content["purchases"])
