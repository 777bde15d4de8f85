"""Reads a record batch's records one by one, in bounded memory.

aiokafka's parser is fast, and decompresses a batch whole. It gets what is small: a batch of up to
`WHOLE` bytes, or a run of uncompressed records. A record that is large by itself is read here, and
one beyond all bounds is withheld: what is left of it is its place, its size and its digest, enough
for its dead letter.

The format: https://kafka.apache.org/documentation/#messageformat, magic 2.
"""

from collections.abc import Iterator
from contextlib import suppress
from hashlib import sha256
from itertools import chain
from typing import Any, Final, NamedTuple

from aiokafka.errors import CorruptRecordException
from aiokafka.record.default_records import DefaultRecordBatch

from app.engine.fetch.decompress import PIECE, pieces

WHOLE: Final = 2 * PIECE
"""Uncompressed bytes up to which a batch is left to aiokafka's parser."""
SMALL: Final = PIECE
"""The same of a record in a larger batch; so many bytes of headers are kept of any record."""
_HEADER: Final = 61
_LENGTH_AT, _ATTRIBUTES_AT, _COUNT_AT = 8, 22, 57
_AFTER_LENGTH: Final = 12
_CODEC, _APPEND_TIME = 0x07, 0x08
_VARINT_BYTES: Final = 10
_REFUSED: Final = (CorruptRecordException, ValueError)
"""What aiokafka's parser raises; ValueError where a header's name is no UTF-8, say."""


class ReadRecord(NamedTuple):
    """A record with the attributes of aiokafka's; `timestamp`: ms since the epoch, -1 for none."""

    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: list[tuple[str, bytes | None]]


class Withheld(NamedTuple):
    """A record too large to keep: sizes in bytes, the value's digest; the key unless it is large.

    `value` is None, as a null value is, so that whoever looks for one finds both.
    """

    offset: int
    timestamp: int
    key: bytes | None
    key_size: int
    value_size: int
    value_sha256: str
    value: None = None


class _Bytes:
    """A batch's decompressed bytes, of which about a piece is in memory."""

    def __init__(self, source: Iterator[bytes]) -> None:
        self._source = source
        self._before = 0
        self.buffer = b""
        self.at = 0

    @property
    def position(self) -> int:
        """How many bytes have been read."""
        return self._before + self.at

    def more(self) -> bool:
        """Have another piece in the buffer, from `at` on; whether there was one."""
        piece = next(self._source, None)
        if piece is None:
            return False
        self._before += self.at
        self.buffer, self.at = self.buffer[self.at :] + piece, 0
        return True

    def varint(self) -> int | None:
        """Read a zigzag number; None where the buffer ends within it."""
        value = shift = 0
        for at in range(self.at, min(self.at + _VARINT_BYTES, len(self.buffer))):
            byte = self.buffer[at]
            value |= (byte & 0x7F) << shift
            if not byte & 0x80:
                self.at = at + 1
                return (value >> 1) ^ -(value & 1)
            shift += 7
        if shift == 7 * _VARINT_BYTES:
            raise CorruptRecordException("a number in a record has no end")
        return None

    def number(self) -> int:
        """Read a zigzag number, wherever it lies."""
        while (found := self.varint()) is None:
            if not self.more():
                raise CorruptRecordException("a record batch ends within a record")
        return found

    def slices(self, size: int) -> Iterator[bytes]:
        """Read so many bytes, a piece at a time."""
        while size > 0:
            if self.at == len(self.buffer) and not self.more():
                raise CorruptRecordException("a record batch ends within a record")
            part = self.buffer[self.at : self.at + size]
            self.at += len(part)
            size -= len(part)
            yield part

    def take(self, size: int) -> bytes | None:
        """Read so many bytes; None of a negative size, as Kafka writes null."""
        return None if size < 0 else b"".join(self.slices(size))

    def skip(self, size: int) -> None:
        """Read so many bytes and keep none."""
        for _ in self.slices(size):
            pass


class Meter:
    """Counts down the uncompressed bytes that may still be read: `left`.

    `met_large`: a record of more than `WHOLE` bytes was among those read.
    """

    __slots__ = ("left", "met_large")

    def __init__(self) -> None:
        """Start with none: whoever reads says how many."""
        self.left = 0
        self.met_large = False


class Batch:
    """One batch."""

    def __init__(self, data: memoryview, largest: int, meter: Meter) -> None:
        """`data`: the whole batch, its header included; `largest`: bytes of a record to keep."""
        self._data = data
        self._largest = largest
        self._meter = meter
        self._attributes = data[_ATTRIBUTES_AT]

    def __iter__(self) -> Iterator[Any]:
        """Go through the records: aiokafka's, `ReadRecord` or `Withheld`.

        Raises CorruptRecordException.
        """
        codec, count = self._attributes & _CODEC, int.from_bytes(self._data[_COUNT_AT:_HEADER])
        if not codec and len(self._data) <= WHOLE:
            self._meter.left -= len(self._data)
            return self._run(bytes(self._data), count)
        source, first, size = pieces(codec, bytes(self._data[_HEADER:])), [], 0
        for piece in source:
            first.append(piece)
            size += len(piece)
            if size > WHOLE:
                return self._walk(_Bytes(chain(first, source)))
        self._meter.left -= size
        return self._run(self._plain(b"".join(first), count), count)

    def _walk(self, source: _Bytes) -> Iterator[Any]:
        """Find where records begin: runs of small ones are left to aiokafka's parser."""
        first = count = 0
        while True:
            start, size = source.at, source.varint()
            if size is not None and size <= SMALL and source.at + size <= len(source.buffer):
                source.at += max(size, 0)
                count += 1
                continue
            if count:
                self._meter.left -= start - first
                yield from self._run(self._plain(source.buffer[first:start], count), count)
            if size is not None and size > SMALL:
                self._meter.left -= min(size, self._largest)
                self._meter.met_large |= size > WHOLE
                yield self._record(source, size)
            else:
                source.at = start
                if not source.more():
                    break
            first, count = source.at, 0
        if source.at < len(source.buffer):
            raise CorruptRecordException("a record batch ends within a record")

    def _plain(self, records: bytes, count: int) -> bytes:
        """Make a batch without compression of some of this batch's records."""
        header = bytearray(self._data[:_HEADER])
        header[_LENGTH_AT:_AFTER_LENGTH] = (_HEADER - _AFTER_LENGTH + len(records)).to_bytes(4)
        header[_ATTRIBUTES_AT] &= ~_CODEC
        header[_COUNT_AT:] = count.to_bytes(4)
        return bytes(header) + records

    def _run(self, batch: bytes, count: int) -> Iterator[Any]:
        """Go through records by aiokafka's parser, from one on that it refuses by ours."""
        try:
            yield from DefaultRecordBatch(batch)
        except _REFUSED:
            done, source = _accepted(batch), _Bytes(iter([batch[_HEADER:]]))
            for _ in range(done):
                source.skip(source.number())
            for _ in range(count - done):
                yield self._record(source, source.number())

    def _record(self, source: _Bytes, size: int) -> ReadRecord | Withheld:
        """Read a record behind its length; nothing of what is not kept is in memory at once."""
        end = source.position + size
        keep = size <= self._largest
        source.skip(1)
        timestamp, offset = self._time(source.number()), self._number(0) + source.number()
        key_size = source.number()
        kept = keep or key_size <= SMALL
        key = source.take(key_size) if kept else None
        source.skip(0 if kept else key_size)
        value_size, digest = source.number(), sha256()
        value = source.take(value_size) if keep else None
        if not keep:
            for part in source.slices(value_size):
                digest.update(part)
        if keep and end - source.position <= SMALL:
            return ReadRecord(offset, timestamp, key, value, _headers(source))
        source.skip(end - source.position)
        digest.update(value or b"")
        return Withheld(offset, timestamp, key, key_size, value_size, digest.hexdigest())

    def _number(self, at: int) -> int:
        return int.from_bytes(self._data[at : at + 8], signed=True)

    def _time(self, delta: int) -> int:
        """Give a record's timestamp; a topic with LogAppendTime has one for the whole batch."""
        first, last = self._number(27), self._number(35)
        return last if self._attributes & _APPEND_TIME else first + delta


def _accepted(batch: bytes) -> int:
    """Count the records up to the first one that aiokafka's parser refuses."""
    found = 0
    with suppress(*_REFUSED):
        for _ in DefaultRecordBatch(batch):
            found += 1
    return found


def _headers(source: _Bytes) -> list[tuple[str, bytes | None]]:
    """Read headers; bytes of a name that are not UTF-8 become U+FFFD."""
    found = []
    for _ in range(source.number()):
        name = source.take(source.number()) or b""
        found.append((name.decode(errors="replace"), source.take(source.number())))
    return found
