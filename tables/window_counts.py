"""How many events each user had in each window of a fixed size: tumbling or hopping ones.

A row holds a user's counts of the windows that start in one stretch of time, by their place in it.
Where the computation has a part of the users' rows, the newest stretch is there.
"""

from collections.abc import Callable
from typing import NamedTuple

from tables.count_rows import CountsRow, CountTables, NewestCounts
from tables.expiry import Expiry, slot
from tables.keys import LAST_TIME, UserTime
from tables.outcome import Late
from tables.row import RowReader
from tables.rules import HOUR, Rules
from tables.state import State
from tables.undo import Changed
from tables.user_rows import PartReader
from tables.windows import Aligned, is_closed, is_dropped

_STRETCH = 2 * HOUR
_MOST_WINDOWS = 128
OnClose = Callable[[str, int, int], None]
"""Told of a window that has closed: user, window start (ms), number of events."""


class CountedWindow(NamedTuple):
    """A window of a user: times in ms, `end` exclusive."""

    start: int
    end: int
    events: int
    closed: bool


def _windows_a_row(windows: Aligned) -> int:
    return min(max(_STRETCH // windows.step, 1), _MOST_WINDOWS)


class WindowCounts:
    """One computation's counts in one partition."""

    def __init__(
        self,
        state: State,
        tables: CountTables,
        windows: Aligned,
        rules: Rules,
        changed: Changed[tuple[str, int]] | None = None,
        on_close: OnClose | None = None,
    ) -> None:
        """`changed`: takes (user, window start) of each change since the last commit.

        `on_close` is called once for each window that closes, in the commit's transaction.
        """
        self._name = tables.name
        self._rows = state.rows(tables.counts)
        self._newest = None if tables.newest is None else tables.newest.of(state)
        self._time = state.stream_time(tables.name)
        self._changed = changed
        self._noted = changed is not None or on_close is not None
        self._windows = windows
        self._step = windows.step
        self._size = windows.size
        self._per_row = _windows_a_row(windows)
        self._stretch = self._per_row * windows.step
        self._grace = rules.grace
        self._keep = rules.grace + rules.retention
        self._expiry = Expiry(state.rows(tables.expiry))
        self._closings: Expiry | None = None
        if on_close is not None and tables.closings is not None:
            self._on_close = on_close
            self._closings = Expiry(state.rows(tables.closings))

    def add(self, user_id: str, time: int) -> Late | None:
        """Count an event in those of its windows that are open; late if none is.

        Windows are numbered from the epoch on: number n starts at n * step.
        """
        now, step = self._time.advance(time), self._step
        newest = time // step
        # The first open window, and the first that holds the event.
        oldest_open = -((self._grace + self._size - 1 - now) // step)
        if newest < oldest_open:
            return Late(self._name, now - time, now)
        number, per_row = max((time - self._size) // step + 1, oldest_open, 0), self._per_row
        while number <= newest:
            row, place = divmod(number, per_row)
            counts = self._counts(user_id, row)
            end = place + newest - number + 1
            if end > per_row:
                end = per_row
            for at in range(place, end):
                counts[at] = counts.get(at, 0) + 1
            if self._noted:
                self._note(user_id, counts, row, range(place, end))
            number += end - place
        return None

    def _counts(self, user_id: str, stretch: int) -> dict[int, int]:
        """The counts of a stretch, by the windows' places in it; from now on they change."""
        if self._newest is None:
            counts = self._rows.edit((user_id, stretch * self._stretch)).counts
        else:
            newest = self._newest.edit(user_id)
            if newest.stretch == stretch:
                return newest.counts
            counts = self._other(user_id, newest, stretch)
        if not counts:
            bucket = stretch * self._stretch
            due = bucket + self._stretch - self._step + self._size - 1 + self._keep
            self._expiry.enter(f"{bucket}@{user_id}", slot(due))
        return counts

    def _other(self, user_id: str, newest: NewestCounts, stretch: int) -> dict[int, int]:
        """The counts of a stretch that is older than the newest, or the newest from now on."""
        if stretch < newest.stretch:
            return self._rows.edit((user_id, stretch * self._stretch)).counts
        if newest.counts:
            row = CountsRow()
            row.counts = newest.counts
            self._rows.put((user_id, newest.stretch * self._stretch), row)
        newest.stretch, newest.counts = stretch, {}
        return newest.counts

    def _row(self, user_id: str, stretch: int) -> CountsRow | None:
        newest = None if self._newest is None else self._newest.get(user_id)
        if newest is not None and newest.stretch == stretch:
            return newest
        return self._rows.get((user_id, stretch * self._stretch))

    def _note(self, user_id: str, counts: dict[int, int], row: int, places: range) -> None:
        """Note that windows have changed, and the new ones, if anybody wants to know."""
        for place in places:
            start = row * self._stretch + place * self._step
            if self._changed is not None:
                self._changed.add((user_id, start))
            if self._closings is not None and counts[place] == 1:
                due = self._windows.last(start) + self._grace
                self._closings.enter(f"{start}@{user_id}", due)

    def count(self, user_id: str, start: int) -> int:
        """Give the count of a window as it stands in the open transaction."""
        stretch, place = divmod(start // self._step, self._per_row)
        row = self._row(user_id, stretch)
        return 0 if row is None else row.counts.get(place, 0)

    @property
    def overdue(self) -> bool:
        """Whether `sweep` has more to do."""
        told = self._closings is None or not self._closings.overdue(self._time.value)
        return self._expiry.behind or not told

    def sweep(self) -> None:
        """Tell of a bounded number of windows that have closed; drop what is past its time."""
        if self._closings is not None:
            self._closings.sweep(self._time.value, self._close)
        self._expiry.sweep(self._time.value, self._drop)

    def _close(self, member: str) -> None:
        start, _, user_id = member.partition("@")
        self._on_close(user_id, int(start), self.count(user_id, int(start)))

    def _drop(self, member: str) -> None:
        bucket, _, user_id = member.partition("@")
        newest = None if self._newest is None else self._newest.get(user_id)
        if self._newest is not None and newest and newest.stretch * self._stretch == int(bucket):
            self._newest.delete(user_id)
        else:
            self._rows.delete((user_id, int(bucket)))


def view(
    rows: RowReader[UserTime, CountsRow],
    newest: PartReader[NewestCounts] | None,
    windows: Aligned,
    user_id: str,
    as_of: int,
    rules: Rules,
    low: int,
    high: int,
) -> list[CountedWindow]:
    """Give a user's windows that overlap [low, high) in order of time (contract 6)."""
    stretch = windows.step * _windows_a_row(windows)
    first = max(low - windows.size - stretch, 0)
    buckets = [(at, row) for (_, at), row in rows.scan((user_id, first), (user_id, LAST_TIME))]
    part = None if newest is None else newest.get(user_id)
    if part is not None:
        buckets.append((part.stretch * stretch, part))
    found = []
    for bucket, row in buckets:
        for place, count in row.counts.items():
            start = bucket + place * windows.step
            last, end = windows.last(start), windows.end(start)
            if start >= high or end <= low:
                continue
            if not is_dropped(last, as_of, rules.grace, rules.retention):
                found.append(CountedWindow(start, end, count, is_closed(last, as_of, rules.grace)))
    return sorted(found)
