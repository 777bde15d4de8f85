"""A user's items in order of event time, kept for a while: recent clicks, enriched purchases.

One row a user holds the newest items, and is written at every commit that adds one. When it comes
to about 1 KB its items are sealed into a part of their own; the row keeps each part's range of
time, so that a reader skips what it cannot need, and what is past its time is dropped without being
read. Every eighth part takes in the seven before it: an item is written some three times, however
many there are, and the row stays short.
"""

from bisect import bisect_left, insort
from itertools import chain

from tables.expiry import Expiry, slot
from tables.log_rows import Item, LogRow, Part, between
from tables.rows import Rows

SEAL_BYTES = 1024
SEAL_ITEMS = 16
# So many parts in a row become one, of so many bytes at most.
MERGED = 8
PART_BYTES = 8192
# Past this many parts a part grows with their number, so that the row stays small for any user.
MANY_PARTS = 256

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
            self._seal(user_id, row, size, stream_time - self._keep)
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
        if row.size >= SEAL_BYTES or len(items) >= SEAL_ITEMS:
            self._seal(user_id, row, 0, stream_time - self._keep)

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
        self._drop_parts(user_id, row, floor)

    def _drop_parts(self, user_id: str, row: LogRow, floor: int) -> None:
        if row.parts and min(part.high for part in row.parts) < floor:
            for part in row.parts:
                if part.high < floor:
                    self._parts.delete((user_id, part.number))
            row.parts = tuple(part for part in row.parts if part.high >= floor)

    def _seal(self, user_id: str, row: LogRow, more: int, floor: int) -> None:
        """Seal the row's items, before `more` bytes are added, and drop parts before `floor`."""
        growth = 1 + len(row.parts) // MANY_PARTS
        if row.size + more <= SEAL_BYTES * growth and len(row.items) < SEAL_ITEMS * growth:
            return
        number = row.parts[-1].number + 1 if row.parts else 0
        self._drop_parts(user_id, row, floor)
        part = LogRow()
        part.items, part.size = row.items, row.size
        row.items, row.size = [], 0
        if number % MERGED == MERGED - 1:
            self._take_in(user_id, row, number, part, PART_BYTES * growth)
        self._parts.put((user_id, number), part)
        row.parts = (*row.parts, Part(number, part.items[0][0], part.items[-1][0]))

    def _take_in(self, user_id: str, row: LogRow, number: int, part: LogRow, most: int) -> None:
        """Have the part `number` take in those before it, unless that came to over `most` bytes."""
        small = [one.number for one in row.parts if one.number > number - MERGED]
        stored = [self._parts.get((user_id, one)) for one in small]
        found = [one for one in stored if one is not None]
        size = part.size + sum(one.size for one in found)
        if size > most:
            return
        part.items = sorted(chain(part.items, *(one.items for one in found)))
        part.size = size
        for one in small:
            self._parts.delete((user_id, one))
        row.parts = tuple(one for one in row.parts if one.number not in small)
