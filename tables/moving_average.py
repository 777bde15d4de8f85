"""The mean of a user's values over the 10 minutes up to each event (contract 4, moving average).

Each event time makes a window. What is in a window depends on its end alone: all values counted, of
times in [end - 10 min, end], when it closes. So nothing is kept by window: when one closes, its sum
is taken from the user's series. An event whose own window is closed already is rare, and counts
only after the windows that have closed by then are told.
"""

from collections.abc import Callable
from typing import NamedTuple

from tables.outcome import Late
from tables.row import RowReader
from tables.rules import Rules
from tables.series import ALONE, Series, SeriesReader
from tables.series_rows import HEADS, PARTS, HeadRow, PartRow
from tables.slots import index_table
from tables.state import State
from tables.timers import NEVER, Timers
from tables.user_rows import PartReader, due_of
from tables.windows import Sliding, is_closed, is_dropped

NAME = "moving-average"
TIMERS = index_table("moving-averages-timers", b"A")
_SWEPT_AT_ONCE = 10_000


class Averaged(NamedTuple):
    """A window, both ends included (ms): how many values, and their sum in millionths."""

    start: int
    end: int
    values: int
    sum: int


OnClose = Callable[[str, Averaged], None]


class MovingAverage:
    """One partition's moving averages."""

    def __init__(self, state: State, rules: Rules, on_close: OnClose) -> None:
        """`on_close` is told of each window once, when it closes; of a user's in their order."""
        self._rows = HEADS.of(state)
        self._parts = state.rows(PARTS)
        self._timers = Timers(state.rows(TIMERS), self._due_of)
        state.keep(self._timers)
        self._time = state.stream_time(NAME)
        state.load_by(lambda: self._timers.load(self._time.value))
        self._on_close = on_close
        self._window = Sliding(rules.average_size)
        self._grace = rules.grace
        # Views show a window for the retention; windows to come may look back a whole size.
        self._keep = rules.grace + max(rules.retention, rules.average_size)

    def add(self, user_id: str, time: int, value: int) -> Late | None:
        """Count a value (millionths) in the open windows that hold its time, and in later ones."""
        now = self._time.advance(time)
        if is_closed(time, now, self._grace):
            return self._add_behind(user_id, time, value, now)
        row = self._rows.edit(user_id)
        if row.numbers or len(row.newest.times) >= ALONE:
            self._series(user_id, row).add(time, value)
        else:
            row.newest.add(time, value)
        due = time + self._grace
        if row.due == NEVER or due < row.due:
            self._timers.enter(user_id, due, row.due)
            row.due = due
        return None

    def _add_behind(self, user_id: str, time: int, value: int, now: int) -> Late | None:
        """Count a value whose own window is closed in later ones, if one of them is there."""
        row = self._rows.get(user_id)
        if row is not None:
            next_end = self._series(user_id, row).after(self._closed_at(now))
            if next_end is not None and next_end <= self._window.latest_end(time):
                row = self._rows.edit(user_id)
                self._close(user_id, row, now)
                self._series(user_id, row).add(time, value)
                return None
        return Late(NAME, now - time, now)

    def _series(self, user_id: str, row: HeadRow) -> Series:
        return Series(user_id, row, self._parts)

    def _closed_at(self, now: int) -> int:
        """The latest end of a window that is closed."""
        return now - self._grace - 1

    def _close(self, user_id: str, row: HeadRow, now: int) -> None:
        """Tell of the user's windows that have closed."""
        bound, size = self._closed_at(now), self._window.size
        for end, total in self._series(user_id, row).windows(size, row.closed, bound):
            self._on_close(user_id, Averaged(self._window.start(end), end, *total))
        row.closed = max(row.closed, bound)

    def _due_of(self, user_id: str) -> int:
        return due_of(self._rows, user_id)

    @property
    def overdue(self) -> bool:
        """Whether `sweep` has more to do."""
        return self._timers.overdue(self._time.value)

    def sweep(self) -> None:
        """Close the windows of a bounded number of users; drop who is past the retention."""
        self._timers.sweep(self._time.value, self._look_at, _SWEPT_AT_ONCE)

    def _look_at(self, user_id: str) -> None:
        now = self._time.value
        row = self._rows.get(user_id)
        if row is None:
            return
        row = self._rows.edit(user_id)
        self._close(user_id, row, now)
        series = self._series(user_id, row)
        latest = series.latest
        if latest + self._keep < now:
            series.drop()
            self._rows.delete(user_id)
            return
        # The view shows the latest window, closed or not; windows to come end after the closed.
        series.prune(min(row.closed + 1, latest) - self._window.size)
        before, following = row.due, series.after(row.closed)
        row.due = latest + self._keep if following is None else following + self._grace
        self._timers.enter(user_id, row.due, before)


def view(
    rows: PartReader[HeadRow],
    parts: RowReader[tuple[str, int], PartRow],
    user_id: str,
    as_of: int,
    rules: Rules,
) -> Averaged | None:
    """Give the window of the user's latest event, while it is kept (contract 6)."""
    row = rows.get(user_id)
    if row is None:
        return None
    series, window = SeriesReader(user_id, row, parts), Sliding(rules.average_size)
    end = series.latest
    if is_dropped(end, as_of, rules.grace, rules.retention):
        return None
    return Averaged(window.start(end), end, *series.total(window.start(end), end))
