"""A user's items in order of event time, kept for a while: recent clicks, enriched purchases.

One row a user holds the newest items. When it comes to about 8 KB its items are sealed into a part
of their own, which is written once; the row keeps each part's range of time, so that a reader skips
what it cannot need, and what is past its time is dropped without being read.
"""

from bisect import bisect_left, insort
from collections.abc import Callable, Iterator, Sequence
from operator import itemgetter
from typing import Any, NamedTuple, Self

import msgspec

from tables.expiry import Expiry, slot
from tables.rows import CommittedRows, RowReader, Rows

PART_BYTES = 8192
PART_ITEMS = 128
# Past this many parts a part grows with their number, so that the row stays small for any user.
MANY_PARTS = 256

# So many items are read at a time where a user has many.
SOME = 500

# An item is a tuple that starts with (event time in ms, offset).
Item = Any


class Part(NamedTuple):
    """A sealed part: its number, and the first and the last event time in it."""

    number: int
    low: int
    high: int


class _Stored(msgspec.Struct, array_like=True, gc=False):
    items: list[Any]
    size: int
    parts: tuple[Part, ...]


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(_Stored).decode


class LogRow:
    """A user's row, or a sealed part (which has no parts of its own)."""

    __slots__ = ("items", "parts", "size")

    def __init__(self) -> None:
        """Start empty."""
        self.items: list[Item] = []
        self.size = 0
        self.parts: tuple[Part, ...] = ()

    @classmethod
    def decode(cls, data: bytes) -> Self:
        """See `Row`."""
        stored = _decode(data)
        row = cls.__new__(cls)
        row.items = [tuple(item) for item in stored.items]
        row.size, row.parts = stored.size, stored.parts
        return row

    def encode(self) -> bytes:
        """See `Row`."""
        return _encode((self.items, self.size, self.parts))

    def copy(self) -> Self:
        """See `Row`."""
        cls = type(self)
        row = cls.__new__(cls)
        row.items = self.items.copy()
        row.size, row.parts = self.size, self.parts
        return row


LogRows = Rows[str, LogRow]
PartRows = Rows[tuple[str, int], LogRow]


class UserLog:
    """The logs of one partition's users; an item is kept until stream time is `keep` ms past it."""

    def __init__(self, rows: LogRows, parts: PartRows, expiry: Expiry, keep: int) -> None:
        """`parts`: keyed by user and part number."""
        self._rows = rows
        self._parts = parts
        self._expiry = expiry
        self._keep = keep

    def append(self, user_id: str, item: Item, size: int, stream_time: int) -> None:
        """Add an item of about `size` bytes."""
        row = self._rows.edit(user_id)
        if row.size + size > PART_BYTES and row.items:
            self._seal(user_id, row, size)
        items, time = row.items, item[0]
        if items:
            if time < items[-1][0]:
                insort(items, item)
            else:
                items.append(item)
            if items[0][0] < stream_time - self._keep:
                self._prune(user_id, row, stream_time - self._keep)
        else:
            items.append(item)
            if not row.parts:  # A new row: from now on it is in the index, once.
                self._expiry.enter(user_id, self._due(time))
        row.size += size
        if row.size >= PART_BYTES or len(items) >= PART_ITEMS:
            self._seal(user_id, row, 0)

    def between(self, user_id: str, low: int, high: int, limit: int) -> list[Item]:
        """Give items with event time in [low, high], in order; the newest `limit` at most."""
        return between(self._rows, self._parts, user_id, low, high, limit)

    @property
    def overdue(self) -> bool:
        """Whether `sweep` has more to do."""
        return self._expiry.behind

    def sweep(self, stream_time: int) -> None:
        """Have a bounded number of users looked at whose items may be past their time."""
        self._expiry.sweep(stream_time, lambda user_id: self.expire(user_id, stream_time))

    def expire(self, user_id: str, stream_time: int) -> None:
        """Drop what is past its time; come back when the rest is."""
        row = self._rows.get(user_id)
        if row is None:
            return
        newest = row.items[-1][0] if row.items else -1
        for part in row.parts:
            newest = max(newest, part.high)
        if newest >= stream_time - self._keep:
            self._expiry.enter(user_id, self._due(newest))
            return
        for part in row.parts:
            self._parts.delete((user_id, part.number))
        self._rows.delete(user_id)

    def _due(self, time: int) -> int:
        """Look a while after the item at `time` is past: most users will have come back."""
        return slot(time + 2 * self._keep)

    def _prune(self, user_id: str, row: LogRow, floor: int) -> None:
        items, before = row.items, len(row.items)
        cut = 1 if before == 1 or items[1][0] >= floor else bisect_left(items, (floor,))
        del items[:cut]
        row.size = row.size * len(items) // before
        if row.parts and min(part.high for part in row.parts) < floor:
            for part in row.parts:
                if part.high < floor:
                    self._parts.delete((user_id, part.number))
            row.parts = tuple(part for part in row.parts if part.high >= floor)

    def _seal(self, user_id: str, row: LogRow, more: int) -> None:
        """Seal the row's items, before `more` bytes are added."""
        growth = 1 + len(row.parts) // MANY_PARTS
        if row.size + more <= PART_BYTES * growth and len(row.items) < PART_ITEMS * growth:
            return
        number = row.parts[-1].number + 1 if row.parts else 0
        part = LogRow()
        part.items, part.size = row.items, row.size
        self._parts.put((user_id, number), part)
        row.parts = (*row.parts, Part(number, row.items[0][0], row.items[-1][0]))
        row.items, row.size = [], 0


def between(
    rows: RowReader[str, LogRow],
    parts: RowReader[tuple[str, int], LogRow],
    user_id: str,
    low: int,
    high: int,
    limit: int,
) -> list[Item]:
    """Give a user's items with event time in [low, high], in order; the newest `limit` at most.

    Parts are read from the newest down, only as far as they can hold an item that is wanted.
    """
    row = rows.get(user_id)
    if row is None:
        return []
    found = [item for item in row.items if low <= item[0] <= high]
    if row.parts:
        sealed = [part for part in row.parts if part.low <= high and part.high >= low]
        for part in sorted(sealed, key=lambda part: part.high, reverse=True):
            if len(found) >= limit and part.high < found[-limit][0]:
                break
            stored = parts.get((user_id, part.number))
            if stored is not None:
                found += [item for item in stored.items if low <= item[0] <= high]
                found.sort()
    return found[-limit:]


def pieces(
    rows: CommittedRows[str, LogRow],
    parts: CommittedRows[tuple[str, int], LogRow],
    user_id: str,
    low: int,
    high: int,
) -> Iterator[list[Item]]:
    """Give all of a user's items with event time in [low, high], in order, some at a time.

    All rows that are needed are read by this call; they are decoded as the lists are taken.
    """
    row = rows.get(user_id)
    if row is None:
        return iter(())
    wanted = [part for part in row.parts if part.low <= high and part.high >= low]
    held = [(part.low, parts.hold((user_id, part.number))) for part in wanted]
    sealed = [(first, stored) for first, stored in held if stored is not None]
    return _merged(sorted(sealed, key=itemgetter(0)), row.items, low, high)


def _merged(
    sealed: Sequence[tuple[int, Callable[[], LogRow]]], newest: list[Item], low: int, high: int
) -> Iterator[list[Item]]:
    """Merge parts, by their first event time, and the items that are in none."""
    waiting = [item for item in newest if low <= item[0] <= high]
    ready: list[Item] = []
    for first, stored in sealed:
        # No later part holds an item before this one's first.
        cut = bisect_left(waiting, (first,))
        ready += waiting[:cut]
        del waiting[:cut]
        while len(ready) >= SOME:
            yield ready[:SOME]
            del ready[:SOME]
        waiting += [item for item in stored().items if low <= item[0] <= high]
        waiting.sort()
    ready += waiting
    for start in range(0, len(ready), SOME):
        yield ready[start : start + SOME]
