"""Records as the consumer hands them over: no more than is asked for, and bounded in bytes."""

from collections.abc import Iterator
from contextvars import ContextVar
from itertools import islice
from typing import Any, Final

from aiokafka import TopicPartition
from aiokafka.consumer import fetcher as aiokafka_fetcher
from aiokafka.record.memory_records import MemoryRecords
from msgspec import Struct

from app.engine.fetch.batch import Batch, Meter, Withheld
from models.records import WithheldRecord

AT_ONCE: Final = 1024 * 1024
"""Uncompressed bytes of a partition that are handed over at a time; a record more may come."""
# What a header takes beside its bytes.
_HEADER_OBJECTS: Final = 200
_LENGTH_AT, _AFTER_LENGTH, _MAGIC_AT = 8, 12, 16
_MAGIC: Final = 2


class Budget:
    """How many bytes one poll may still hand over, whatever the number of partitions."""

    def __init__(self, left: int) -> None:
        """`left`: bytes."""
        self.left = left


BUDGET: ContextVar[Budget | None] = ContextVar("budget", default=None)
"""What bounds the poll of the task that runs; None: each partition is bounded by itself."""


class FetchedRecord(Struct, gc=False, eq=False):
    """A `models.records.Record`; built for every record, so with no more than is asked for."""

    topic: str
    partition: int
    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...]


class Fetched(list[Any]):
    """Records of one partition, in their order. `weight`: bytes that they take, about.

    `has_large`: one of more than `batch.WHOLE` bytes is among them.
    """

    weight = 0
    has_large = False


class _Batch:
    """A batch as aiokafka asks for it, with our reader of its records."""

    def __init__(self, batch: Any, records: Batch) -> None:  # noqa: ANN401 (aiokafka)
        self._batch = batch
        self._records = records

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 (whatever aiokafka asks for)
        return getattr(self._batch, name)

    def __iter__(self) -> Iterator[Any]:
        return iter(self._records)

    def __next__(self) -> Any:  # noqa: ANN401 (so aiokafka looks at a marker)
        return next(self._batch)


class _Response:
    """A partition's batches of one fetch, in place of aiokafka's `MemoryRecords`."""

    largest = 1 << 30

    def __init__(self, data: bytes) -> None:
        self._batches = MemoryRecords(data)
        self._data = memoryview(data)
        self._at = 0
        self.meter = Meter()
        self.has_next, self.size_in_bytes = self._batches.has_next, self._batches.size_in_bytes

    def next_batch(self) -> Any:  # noqa: ANN401 (aiokafka's batch, or ours in its place)
        """Give the next one; formats before magic 2, which Kafka 4 has no more, as they are."""
        start, batch = self._at, self._batches.next_batch()
        length = int.from_bytes(self._data[start + _LENGTH_AT : start + _AFTER_LENGTH])
        self._at = start + _AFTER_LENGTH + length
        if self._data[start + _MAGIC_AT] < _MAGIC:
            return batch
        return _Batch(batch, Batch(self._data[start : self._at], self.largest, self.meter))


class _Records(aiokafka_fetcher.PartitionRecords):  # type: ignore[misc]
    """aiokafka's records of one fetch, handed over as `FetchedRecord`."""

    def _consumer_record(self, tp: TopicPartition, record: Any) -> FetchedRecord | WithheldRecord:  # noqa: ANN401
        value = record.value
        if value is None and type(record) is Withheld:
            return WithheldRecord(
                tp.topic,
                tp.partition,
                record.offset,
                record.timestamp,
                record.key,
                record.key_size,
                record.value_size,
                record.value_sha256,
            )
        headers = record.headers
        if headers:
            self._records.meter.left -= _HEADER_OBJECTS * len(headers)
        return FetchedRecord(
            tp.topic,
            tp.partition,
            record.offset,
            record.timestamp,
            record.key,
            value,
            tuple(headers) if headers else (),
        )


class _Result(aiokafka_fetcher.FetchResult):  # type: ignore[misc]
    """aiokafka's result of a fetch, which hands over so many bytes at a time."""

    _partition_records: Any

    def getall(self, max_records: int | None = None) -> Fetched:
        fetched, budget = Fetched(), BUDGET.get()
        room = AT_ONCE if budget is None else min(AT_ONCE, budget.left)
        if room <= 0 or not self.check_assignment(self._topic_partition) or not self.has_more():
            return fetched
        meter = self._partition_records._records.meter
        meter.left, meter.met_large = room, False
        for record in islice(self._partition_records._records_iterator, max_records):
            fetched.append(record)
            if meter.left <= 0:
                break
        else:
            if max_records is None or len(fetched) < max_records:
                self._update_position()
                self._partition_records = None
        if self._partition_records is not None:
            self._update_position()
        fetched.weight, fetched.has_large = room - meter.left, meter.met_large
        if budget is not None:
            budget.left -= fetched.weight
        return fetched


def install(largest: int) -> None:
    """Have every aiokafka consumer of this process hand over `FetchedRecord`, within bounds.

    aiokafka has no setting for it; what it builds itself has eleven fields, costs a microsecond,
    and is not bounded in bytes. `largest`: bytes of the largest record to keep.
    """
    _Response.largest = largest
    aiokafka_fetcher.MemoryRecords = _Response
    aiokafka_fetcher.PartitionRecords = _Records
    aiokafka_fetcher.FetchResult = _Result
