"""Exporting a topic as lines of JSON, to be continued after any end."""

import asyncio
from collections.abc import Callable
from typing import Final, NamedTuple

from aiokafka import TopicPartition

from app.cluster import Broker
from app.consumer.consumer import ManualConsumer
from app.consumer.json_lines import json_line
from app.consumer.message import Message
from app.consumer.options import ConsumerOptions
from app.consumer.sinks import Sink

OPTIONS: Final = ConsumerOptions(max_poll_records=2000, commit_records=50_000, commit_seconds=2.0)


class Wanted(NamedTuple):
    """`follow`: go on at the end of the topic; `max_records`: of this run."""

    topic: str
    group: str | None
    follow: bool
    max_records: int | None


class Exporter:
    """One run. What the sink holds decides where each partition begins, then the group.

    A partition that comes back in a rebalance begins at the further of the two: others may have
    exported from it meanwhile.
    """

    def __init__(
        self,
        broker: Broker,
        wanted: Wanted,
        options: ConsumerOptions,
        sink: Sink,
        shown: Callable[[int, int], None],
        line: Callable[[Message], bytes] = json_line,
    ) -> None:
        """`shown` is told of progress: records exported, and about how many there are to be.

        `line`: what is written of a record; a file can be continued only with lines of JSON.
        """
        self._wanted = wanted
        self._sink = sink
        self._shown = shown
        self._line = line
        self._seen: set[TopicPartition] = set()
        self._stopping = asyncio.Event()
        self._consumer = ManualConsumer(
            broker,
            [wanted.topic],
            wanted.group,
            options,
            start_at=self._start_at,
            before_commit=sink.sync,
        )
        self.exported = 0
        self.has_begun = False
        """Whether it is connected: before, `stop` has nothing to end, and a cancellation does."""

    def stop(self) -> None:
        """Write out what is in hand, commit, end."""
        self._stopping.set()

    async def run(self) -> None:
        """Export until told to stop, or there is no more to do. Raises UserError, ClosedError."""
        async with self._consumer as consumer:
            self.has_begun = True
            ends = {} if self._wanted.follow else await consumer.end_offsets()
            total: int | None = None
            while not self._stopping.is_set() and not self._enough():
                await self._write([m for m in await consumer.fetch() if self._is_wanted(m, ends)])
                positions = consumer.positions()
                if positions is None:
                    continue
                left = sum(max(ends.get(at, 0) - offset, 0) for at, offset in positions.items())
                total = total or self.exported + left
                self._shown(self.exported, max(total, self.exported))
                if not self._wanted.follow and not left:
                    return

    def _enough(self) -> bool:
        return self._wanted.max_records is not None and self.exported >= self._wanted.max_records

    def _is_wanted(self, message: Message, ends: dict[tuple[str, int], int]) -> bool:
        end = ends.get((message.topic, message.partition))
        if message.offset < self._sink.held.get(message.partition, 0):
            self._consumer.finish(message)
            return False
        return self._wanted.follow or (end is not None and message.offset < end)

    async def _write(self, batch: list[Message]) -> None:
        if self._wanted.max_records is not None:
            batch = batch[: self._wanted.max_records - self.exported]
        if not batch:
            return
        await self._sink.write(b"".join(map(self._line, batch)), self._stopping)
        for message in batch:
            self._sink.held[message.partition] = message.offset + 1
            self._consumer.finish(message)
        self.exported += len(batch)

    def _start_at(self, place: TopicPartition, committed: int | None) -> int | None:
        held = self._sink.held.get(place.partition)
        if place in self._seen and held is not None:
            held = max(held, committed or 0)
        self._seen.add(place)
        return held
