"""A user's values by time, so laid out that the sum over any stretch of time is quickly told.

The newest entries lie in the user's row; what outgrows it goes into parts, each of its own stretch
of time, whose counts and sums stay in the row: a tree of two levels. A value costs O(log n) and the
sum over n entries O(sqrt n); the sums of many windows in a row cost O(1) each.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from typing import NamedTuple

from tables.row import RowReader
from tables.rows import Rows
from tables.series_rows import Entries, HeadRow, PartRow

_HEAD_ENTRIES = 256
ALONE = 128
"""A row of fewer entries, and without parts, may be added to as it is."""
_PART_ENTRIES = 384
_MANY_PARTS = 256

PartRows = Rows[tuple[str, int], PartRow]
Entry = tuple[int, int, int]
"""(time in ms, number of values there, their sum)."""


class Total(NamedTuple):
    """Over a stretch of time: how many values, and their sum."""

    values: int
    sum: int


class SeriesReader:
    """One user's series, to be read."""

    def __init__(
        self, user_id: str, head: HeadRow, parts: RowReader[tuple[str, int], PartRow]
    ) -> None:
        """See the module."""
        self._user_id = user_id
        self._head = head
        self._parts = parts

    def _leaf(self, number: int) -> Entries:
        """The entries of a part by its place in the row; behind them the newest."""
        head = self._head
        if number == len(head.numbers):
            return head.newest
        return self._parts.get((self._user_id, head.numbers[number])) or PartRow()

    def _place(self, time: int) -> int:
        """Which leaf an entry of this time is in, or would be."""
        head = self._head
        if time >= head.split or not head.numbers:
            return len(head.numbers)
        return max(bisect_right(head.parts.times, time) - 1, 0)

    @property
    def latest(self) -> int:
        """Time of the newest entry, which is never dropped before the user is."""
        return self._head.newest.times[-1]

    def after(self, time: int) -> int | None:
        """Time of the first entry after this time."""
        times = self._head.newest.times
        if not self._head.numbers:
            place = bisect_right(times, time)
            return times[place] if place < len(times) else None
        for entry in self.entries(time + 1):
            return entry[0]
        return None

    def entries(self, first: int) -> Iterator[Entry]:
        """Go through the entries from this time on, in order."""
        place = self._place(first)
        leaf = self._leaf(place)
        at = bisect_left(leaf.times, first)
        while True:
            yield from zip(leaf.times[at:], leaf.counts[at:], leaf.sums[at:], strict=True)
            place, at = place + 1, 0
            if place > len(self._head.numbers):
                return
            leaf = self._leaf(place)

    def total(self, first: int, last: int) -> Total:
        """Over [first, last], both included."""
        low, high = self._place(first), self._place(last)
        leaf = self._leaf(low)
        start = bisect_left(leaf.times, first)
        if low == high:
            return Total(*leaf.total(start, bisect_right(leaf.times, last)))
        count, total = leaf.total(start, len(leaf.times))
        inner = self._head.parts.total(low + 1, high)
        leaf = self._leaf(high)
        newest = leaf.total(0, bisect_right(leaf.times, last))
        return Total(count + inner[0] + newest[0], total + inner[1] + newest[1])

    def windows(self, size: int, after: int, last: int) -> Iterator[tuple[int, Total]]:
        """Give each window [t - size, t] of an entry's time t in (after, last], in order."""
        if not self._head.numbers:
            return self._few_windows(size, after, last)
        return self._many_windows(size, after, last)

    def _few_windows(self, size: int, after: int, last: int) -> Iterator[tuple[int, Total]]:
        newest = self._head.newest
        times = newest.times
        for place in range(bisect_right(times, after), bisect_right(times, last)):
            end = times[place]
            first = bisect_left(times, end - size)
            yield end, Total(*newest.total(first, place + 1))

    def _many_windows(self, size: int, after: int, last: int) -> Iterator[tuple[int, Total]]:
        ends = self.entries(after + 1)
        first = next(ends, None)
        if first is None or first[0] > last:
            return
        total = self.total(first[0] - size, first[0])
        yield first[0], total
        leaving = self.entries(first[0] - size)
        oldest = next(leaving)
        count, value = total
        for end, entered, added in ends:
            if end > last:
                return
            count, value = count + entered, value + added
            while oldest[0] < end - size:
                count, value = count - oldest[1], value - oldest[2]
                oldest = next(leaving)
            yield end, Total(count, value)


class Series(SeriesReader):
    """One user's series, to be changed: both rows are those of the open transaction."""

    def __init__(self, user_id: str, head: HeadRow, parts: PartRows) -> None:
        """`head` must be what `edit` gave before anything is changed."""
        super().__init__(user_id, head, parts)
        self._rows = parts

    def add(self, time: int, value: int) -> None:
        """Add a value."""
        head = self._head
        if time >= head.split or not head.numbers:
            head.newest.add(time, value)
            growth = 1 + len(head.numbers) // _MANY_PARTS
            if len(head.newest.times) >= _HEAD_ENTRIES * growth:
                self._seal()
            return
        place = self._place(time)
        part = self._rows.edit((self._user_id, head.numbers[place]))
        part.add(time, value)
        parts = head.parts
        parts.times[place] = min(parts.times[place], time)
        parts.counts[place] += 1
        parts.sums[place] += value
        if len(part.times) >= _PART_ENTRIES * (1 + len(head.numbers) // _MANY_PARTS):
            self._split(place, part)

    def _seal(self) -> None:
        """Put the older half of the newest entries into a part."""
        newest = self._head.newest
        older = newest.cut(len(newest.times) // 2)
        self._head.split = newest.times[0]
        self._insert(len(self._head.numbers), older)

    def _split(self, place: int, part: PartRow) -> None:
        parts = self._head.parts
        older = part.cut(len(part.times) // 2)
        parts.times[place] = part.times[0]
        parts.counts[place], parts.sums[place] = part.total(0, len(part.times))
        self._insert(place, older)

    def _insert(self, place: int, entries: Entries) -> None:
        head = self._head
        number = max(head.numbers, default=-1) + 1
        row = PartRow()
        row.times, row.counts, row.sums = entries.times, entries.counts, entries.sums
        self._rows.put((self._user_id, number), row)
        head.numbers.insert(place, number)
        count, total = row.total(0, len(row.times))
        head.parts.times.insert(place, row.times[0])
        head.parts.counts.insert(place, count)
        head.parts.sums.insert(place, total)

    def prune(self, floor: int) -> None:
        """Drop entries before this time, but for those that share a part with later ones."""
        head = self._head
        if head.numbers:
            self._prune_parts(floor)
        if not head.numbers and head.newest.times[0] < floor:
            head.newest.cut(bisect_left(head.newest.times, floor))

    def _prune_parts(self, floor: int) -> None:
        head = self._head
        starts = [*head.parts.times[1:], head.split]
        gone = bisect_right(starts, floor)
        for number in head.numbers[:gone]:
            self._rows.delete((self._user_id, number))
        if gone:
            del head.numbers[:gone]
            head.parts.cut(gone)

    def drop(self) -> None:
        """Drop all parts; the user's row goes next."""
        for number in self._head.numbers:
            self._rows.delete((self._user_id, number))
