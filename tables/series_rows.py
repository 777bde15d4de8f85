"""Rows of a `Series`: sums by time, of one user."""

from bisect import bisect_left
from typing import Self

import msgspec

from tables.big import Stored, all_stored
from tables.keys import USER_NUMBER
from tables.rows import Table
from tables.timers import NEVER
from tables.user_rows import UserPart

_encode = msgspec.msgpack.Encoder().encode


class _Entries(msgspec.Struct, array_like=True, gc=False):
    base: int
    times: list[int]
    counts: list[int]
    sums: list[Stored]


class _Due(msgspec.Struct, array_like=True, gc=False):
    closed: int
    due: int


class _Head(_Due, array_like=True, gc=False):
    split: int
    newest: _Entries
    numbers: list[int]
    parts: _Entries


_decode_due = msgspec.msgpack.Decoder(_Due).decode
_decode_entries = msgspec.msgpack.Decoder(_Entries).decode
_decode_head = msgspec.msgpack.Decoder(_Head).decode


class Entries:
    """Times in order, each once, with the number and the sum of the values there."""

    __slots__ = ("counts", "sums", "times")

    def __init__(self) -> None:
        """Start empty."""
        self.times: list[int] = []
        self.counts: list[int] = []
        self.sums: list[int] = []

    def add(self, time: int, value: int) -> None:
        """Add a value."""
        times = self.times
        if not times or time > times[-1]:
            at = len(times)
        else:
            at = bisect_left(times, time)
            if times[at] == time:
                self.counts[at] += 1
                self.sums[at] += value
                return
        times.insert(at, time)
        self.counts.insert(at, 1)
        self.sums.insert(at, value)

    def total(self, first: int, end: int) -> tuple[int, int]:
        """Give the number and the sum of the values at the places from `first` to before `end`."""
        return sum(self.counts[first:end]), sum(self.sums[first:end])

    def cut(self, place: int) -> "Entries":
        """Take away the entries before a place, and give them."""
        older = Entries()
        older.times, self.times = self.times[:place], self.times[place:]
        older.counts, self.counts = self.counts[:place], self.counts[place:]
        older.sums, self.sums = self.sums[:place], self.sums[place:]
        return older

    def copy(self) -> Self:
        """See `Row`."""
        cls = type(self)
        entries = cls.__new__(cls)
        entries.times, entries.counts = self.times.copy(), self.counts.copy()
        entries.sums = self.sums.copy()
        return entries

    def stored(self) -> _Entries:
        """Give them as they lie in a row: times from the first on."""
        base = self.times[0] if self.times else 0
        return _Entries(base, [t - base for t in self.times], self.counts, all_stored(self.sums))

    @classmethod
    def of(cls, stored: _Entries) -> Self:
        """Inverse of `stored`."""
        entries = cls()
        base = stored.base
        entries.times = [base + time for time in stored.times]
        entries.counts = stored.counts
        entries.sums = [int(number) for number in stored.sums]
        return entries


class PartRow(Entries):
    """A part: entries that are older than those of the head."""

    @classmethod
    def decode(cls, data: bytes) -> Self:
        """See `Row`."""
        return cls.of(_decode_entries(data))

    def encode(self) -> bytes:
        """See `Row`."""
        return _encode(self.stored())


class HeadRow:
    """The newest entries, and what the parts hold: their first times, counts and sums.

    `split`: entries from this time on are here. `closed`: windows that end there or before have
    been told; `due`: when to look at the user again.
    """

    __slots__ = ("closed", "due", "newest", "numbers", "parts", "split")

    def __init__(self) -> None:
        """Start empty."""
        self.closed = NEVER
        self.due = NEVER
        self.split = 0
        self.newest = Entries()
        self.numbers: list[int] = []
        self.parts = Entries()

    @classmethod
    def decode(cls, data: bytes) -> Self:
        """See `Row`."""
        stored = _decode_head(data)
        row = cls.__new__(cls)
        row.closed, row.due, row.split = stored.closed, stored.due, stored.split
        row.newest, row.parts = Entries.of(stored.newest), Entries.of(stored.parts)
        row.numbers = stored.numbers
        return row

    def encode(self) -> bytes:
        """See `Row`."""
        newest, parts = self.newest.stored(), self.parts.stored()
        return _encode(_Head(self.closed, self.due, self.split, newest, self.numbers, parts))

    @staticmethod
    def due_in(data: bytes) -> int:
        """See `DueRow`."""
        return _decode_due(data).due

    def copy(self) -> Self:
        """See `Row`."""
        cls = type(self)
        row = cls.__new__(cls)
        row.closed, row.due, row.split = self.closed, self.due, self.split
        row.newest, row.parts = self.newest.copy(), self.parts.copy()
        row.numbers = self.numbers.copy()
        return row


HEADS = UserPart(2, HeadRow)
PARTS = Table("moving-averages-parts", b"b", PartRow, USER_NUMBER)
