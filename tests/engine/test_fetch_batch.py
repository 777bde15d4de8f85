"""Record batches as brokers hand them over: every codec, any size, in bounded memory."""

import random
import tracemalloc
from collections.abc import Iterator, Sequence
from hashlib import sha256
from typing import Any

import pytest
from aiokafka.errors import CorruptRecordException
from aiokafka.record.default_records import DefaultRecordBatch, DefaultRecordBatchBuilder

from agents.intake import LARGE
from app.engine.fetch.batch import SMALL, WHOLE, Batch, Meter, ReadRecord, Withheld

CODECS = {"none": 0, "gzip": 1, "snappy": 2, "lz4": 3, "zstd": 4}
MIB = 1024 * 1024
Row = tuple[bytes | None, bytes | None, list[tuple[str, bytes | None]]]


def written(rows: Sequence[Row], codec: str) -> bytes:
    """A batch as aiokafka's producer writes it, its first record at offset 0 and time 1,000."""
    builder = DefaultRecordBatchBuilder(2, CODECS[codec], 0, -1, -1, -1, 1 << 30)
    for number, (key, value, headers) in enumerate(rows):
        assert builder.append(number, 1000 + number, key, value, headers) is not None
    return bytes(builder.build())


def read(batch: bytes, largest: int = 32 * MIB) -> Iterator[Any]:
    return iter(Batch(memoryview(batch), largest, Meter()))


def as_row(record: Any) -> tuple[int, int, Row]:  # noqa: ANN401
    return record.offset, record.timestamp, (record.key, record.value, list(record.headers))


def rows_of(sizes: Sequence[int], seed: int) -> list[Row]:
    rng = random.Random(seed)
    rows: list[Row] = []
    for size in sizes:
        value = bytes(rng.choices(b"abcdefgh{}[]\x00\xff", k=min(size, 999))) * (size // 999 + 1)
        key = rng.choice([None, b"", b"user-1", b"k" * 300])
        headers = [("trace", b"1"), ("none", None)] if rng.random() < 0.3 else []
        rows.append((key, rng.choice([None, value[:size]]) if size < 10 else value[:size], headers))
    return rows


SIZES = {
    "one small": [100],
    "many small": [10] * 3000,
    "beyond a piece": [900] * 2000,
    "a large one amid small ones": [50] * 700 + [3 * MIB] + [50] * 700,
    "at the bounds": [SMALL - 40, SMALL, SMALL + 40, WHOLE - 40, WHOLE + 40, 0, 1],
    "only large ones": [2 * MIB] * 4,
}


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize("sizes", SIZES)
def test_all_records_are_read_as_aiokafka_reads_them(codec: str, sizes: str) -> None:
    rows = rows_of(SIZES[sizes], seed=7)
    batch = written(rows, codec)
    wanted = [as_row(record) for record in DefaultRecordBatch(batch)]
    assert len(wanted) == len(rows)
    assert [as_row(record) for record in read(batch)] == wanted


@pytest.mark.parametrize("codec", CODECS)
def test_a_record_beyond_the_largest_leaves_its_size_and_digest(codec: str) -> None:
    value = b"[" + b"1," * (2 * MIB) + b"1]"
    rows: list[Row] = [(b"a", b"{}", []), (b"b", value, [("h", b"x")]), (b"c", b"{}", [])]
    first, withheld, last = read(written(rows, codec), largest=MIB)
    assert (first.key, first.value, last.key, last.offset) == (b"a", b"{}", b"c", 2)
    digest = sha256(value).hexdigest()
    assert withheld == Withheld(1, 1001, b"b", 1, len(value), digest)


def test_a_large_key_and_large_headers_are_withheld_too() -> None:
    rows: list[Row] = [
        (b"k" * (3 * MIB), b"{}", []),
        (b"u", b'{"a":1}', [("name", b"v" * 100)] * 10_000),
    ]
    by_key, by_headers = read(written(rows, "zstd"), largest=2 * MIB)
    assert (by_key.key, by_key.key_size, by_key.value_size) == (None, 3 * MIB, 2)
    assert (by_headers.key, by_headers.value_size) == (b"u", 7)
    assert by_headers.value_sha256 == sha256(b'{"a":1}').hexdigest()


@pytest.mark.parametrize("codec", ["gzip", "zstd", "lz4"])
def test_a_batch_of_a_gigabyte_takes_a_few_megabytes(codec: str) -> None:
    """8 records of 32 MiB each, of which 4 MiB are kept."""
    batch = written([(b"u", bytes(32 * MIB), [])] * 8, codec)
    tracemalloc.start()
    try:
        found = list(read(batch, largest=4 * MIB))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert [record.value_size for record in found] == [32 * MIB] * 8
    assert peak < 8 * MIB


def test_a_header_name_that_is_no_text_is_read_all_the_same() -> None:
    rows: list[Row] = [(b"u", b"%d" % n, [("name", b"v")] if n == 2 else []) for n in range(4)]
    batch = written(rows, "none").replace(b"name", b"n\xffme")
    assert [as_row(record) for record in read(batch)] == [
        (n, 1000 + n, (b"u", b"%d" % n, [("n\ufffdme", b"v")] if n == 2 else [])) for n in range(4)
    ]


def test_a_topic_with_append_time_has_one_time_for_all() -> None:
    batch = bytearray(written([(b"u", b"x" * MIB, []), (b"u", b"", [])], "gzip"))
    batch[22] |= 8
    batch[35:43] = (99_000).to_bytes(8)
    assert [record.timestamp for record in read(bytes(batch))] == [99_000, 99_000]


@pytest.mark.parametrize("codec", CODECS)
def test_a_batch_that_is_cut_short_is_corrupt(codec: str) -> None:
    batch = written(rows_of([3 * MIB, 100], seed=1), codec)
    for cut in (1, 10, 30):
        with pytest.raises(CorruptRecordException):
            list(read(batch[:-cut]))


def test_large_records_count_as_what_they_take() -> None:
    meter = Meter()
    records = iter(Batch(memoryview(written(rows_of([MIB] * 3, 3), "zstd")), 2 * MIB, meter))
    assert isinstance(next(records), ReadRecord)
    assert -meter.left == pytest.approx(MIB, rel=0.01)
    assert meter.met_large
    next(records)
    assert -meter.left == pytest.approx(2 * MIB, rel=0.01)


def test_no_batch_that_is_read_whole_holds_what_intake_calls_large() -> None:
    assert WHOLE <= LARGE


@pytest.mark.parametrize("codec", CODECS)
def test_small_records_are_no_large_ones(codec: str) -> None:
    meter = Meter()
    assert list(Batch(memoryview(written(rows_of([1000] * 900, 3), codec)), 2 * MIB, meter))
    assert not meter.met_large
