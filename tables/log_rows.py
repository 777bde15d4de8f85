"""Rows of a user's items in order of event time, and how they are read; `user_log` writes them."""

from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from operator import itemgetter
from typing import Any, NamedTuple, Self

import msgspec

from tables.row import RowReader
from tables.rows import CommittedRows

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
    items: list[tuple[Any, ...]]
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
        row.items, row.size, row.parts = stored.items, stored.size, stored.parts
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
