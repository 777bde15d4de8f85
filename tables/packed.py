"""Packed rows: many small items of one key and time bucket as one value, split at about 8 KB.

An item is appended as bytes and never changed, so a savepoint is a reference and a commit does not
encode it again. When the bytes reach `PART_BYTES` they are sealed into a part of their own, which
is written once; the head row keeps the parts' ranges of time, so a reader skips what it cannot
need.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple, Self

import msgspec

from tables.keys import part_key
from tables.rows import RowReader, Rows

PART_BYTES = 8192
# Past this many parts a part grows with their number, so that the head stays small for any user.
MANY_PARTS = 256


class Part(NamedTuple):
    """A sealed part: its number and the first and last event time in it."""

    number: int
    low: int
    high: int


class _Stored(msgspec.Struct, array_like=True, gc=False):
    count: int
    low: int
    high: int
    items: bytes
    parts: tuple[Part, ...]


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(_Stored).decode


class PackedRow:
    """A head row, or a sealed part (which has no parts of its own)."""

    __slots__ = ("count", "high", "items", "low", "parts")

    def __init__(self) -> None:
        """Start empty."""
        self.count = 0
        self.low = 0
        self.high = 0
        self.items = b""
        self.parts: tuple[Part, ...] = ()

    @classmethod
    def decode(cls, data: bytes) -> Self:
        """See `Row`."""
        stored = _decode(data)
        row = cls.__new__(cls)
        row.count, row.low, row.high = stored.count, stored.low, stored.high
        row.items, row.parts = stored.items, stored.parts
        return row

    def encode(self) -> bytes:
        """See `Row`."""
        return _encode((self.count, self.low, self.high, self.items, self.parts))

    def copy(self) -> Self:
        """See `Row`."""
        cls = type(self)
        row = cls.__new__(cls)
        row.count, row.low, row.high = self.count, self.low, self.high
        row.items, row.parts = self.items, self.parts
        return row

    def add(self, time: int, item: bytes) -> None:
        """Append one encoded item of this event time (ms)."""
        if self.count:
            if time < self.low:
                self.low = time
            elif time > self.high:
                self.high = time
        else:
            self.low = self.high = time
        self.count += 1
        self.items += item

    def clear(self) -> None:
        """Empty it but for the list of parts."""
        self.count = self.low = self.high = 0
        self.items = b""

    @property
    def array(self) -> bytes:
        """The items as one MessagePack array, to be decoded in one call."""
        return b"\xdd" + self.count.to_bytes(4, "big") + self.items

    @property
    def full(self) -> bool:
        """Whether it is time to seal the items into a part."""
        limit = PART_BYTES * (1 + len(self.parts) // MANY_PARTS)
        return len(self.items) >= limit


def append(rows: Rows[PackedRow], key: bytes, time: int, item: bytes) -> bool:
    """Append an item to the row at `key`; whether the row is new."""
    row = rows.edit(key)
    new = not row.count and not row.parts
    row.add(time, item)
    if row.full:
        _seal(rows, key, row)
    return new


def _seal(rows: Rows[PackedRow], key: bytes, row: PackedRow) -> None:
    number = row.parts[-1].number + 1 if row.parts else 0
    part = PackedRow()
    part.count, part.low, part.high, part.items = row.count, row.low, row.high, row.items
    rows.put(part_key(key, number), part)
    row.parts = (*row.parts, Part(number, row.low, row.high))
    row.clear()


def remove(rows: Rows[PackedRow], key: bytes) -> int:
    """Delete the row at `key` with its parts; how many rows that were."""
    row = rows.get(key)
    if row is None:
        return 0
    for part in row.parts:
        rows.delete(part_key(key, part.number))
    rows.delete(key)
    return 1 + len(row.parts)


def newest(
    rows: RowReader[PackedRow],
    keys: Iterator[bytes] | list[bytes],
    decoder: "msgspec.msgpack.Decoder[list[Any]]",
    low: int,
    high: int,
    limit: int | None,
) -> list[Any]:
    """Items with time in [low, high], in order of (time, offset); the newest `limit` at most.

    `keys`: head rows. An item is a tuple that starts with (time, offset). Parts are read from the
    newest down and only as far as they can hold one of the items wanted.
    """
    found: list[Any] = []
    sealed: list[tuple[Part, bytes]] = []
    for key in keys:
        row = rows.get(key)
        if row is None:
            continue
        if row.count and row.low <= high and row.high >= low:
            found += decoder.decode(row.array)
        sealed += [(p, key) for p in row.parts if p.low <= high and p.high >= low]
    found = _between(found, low, high)
    sealed.sort(key=lambda entry: entry[0].high, reverse=True)
    for part, key in sealed:
        if limit is not None and len(found) >= limit and part.high < found[-limit][0]:
            break
        row = rows.get(part_key(key, part.number))
        if row is not None:
            found += _between(decoder.decode(row.array), low, high)
            found.sort()
    return found if limit is None else found[-limit:]


def _between(items: list[Any], low: int, high: int) -> list[Any]:
    kept = [item for item in items if low <= item[0] <= high]
    kept.sort()
    return kept
