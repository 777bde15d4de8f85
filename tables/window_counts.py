"""How many events each user had in each window of a fixed size: tumbling or hopping ones.

A row holds a user's counts of the windows that start in one stretch of time, by their number in it.
"""

from collections.abc import Callable
from typing import NamedTuple, Self

import msgspec

from tables.expiry import Expiry, slot
from tables.keys import LAST_TIME, USER_TIME, UserTime
from tables.outcome import Late
from tables.rows import RowReader, Table
from tables.rules import HOUR, Rules
from tables.slots import IndexTable, index_table
from tables.state import State
from tables.undo import Changed
from tables.windows import Aligned, is_closed, is_dropped

_STRETCH = 2 * HOUR
_MOST_WINDOWS = 128
_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(dict[int, int]).decode

OnClose = Callable[[str, int, int], None]
"""Told of a window that has closed: user, window start (ms), number of events."""


class CountsRow:
    """One user's counts by the window's number in the row's stretch of time."""

    __slots__ = ("counts",)

    def __init__(self) -> None:
        """Start empty."""
        self.counts: dict[int, int] = {}

    @classmethod
    def decode(cls, data: bytes) -> Self:
        """See `Row`."""
        row = cls.__new__(cls)
        row.counts = _decode(data)
        return row

    def encode(self) -> bytes:
        """See `Row`."""
        return _encode(self.counts)

    def copy(self) -> Self:
        """See `Row`."""
        cls = type(self)
        row = cls.__new__(cls)
        row.counts = self.counts.copy()
        return row


class CountTables(NamedTuple):
    """Where one computation keeps its counts; `closings` where it wants to know of closes."""

    name: str
    counts: Table[UserTime, CountsRow]
    expiry: IndexTable
    closings: IndexTable | None = None

    @classmethod
    def of(
        cls, name: str, counts: bytes, expiry: bytes, closings: bytes | None = None
    ) -> "CountTables":
        """Make a computation's tables. Bytes are prefixes in the store: see `Table`."""
        return cls(
            name,
            Table(name, counts, CountsRow, USER_TIME),
            index_table(f"{name}-expiry", expiry),
            index_table(f"{name}-closings", closings) if closings else None,
        )


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

    def _counts(self, user_id: str, row: int) -> dict[int, int]:
        """The counts of a row, by the windows' places in it; from now on they change."""
        bucket = row * self._stretch
        counts = self._rows.edit((user_id, bucket)).counts
        if not counts:
            due = bucket + self._stretch - self._step + self._size - 1 + self._keep
            self._expiry.enter(f"{bucket}@{user_id}", slot(due))
        return counts

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
        bucket = start - start % self._stretch
        row = self._rows.get((user_id, bucket))
        return 0 if row is None else row.counts.get((start - bucket) // self._step, 0)

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
        self._rows.delete((user_id, int(bucket)))


def view(
    rows: RowReader[UserTime, CountsRow],
    windows: Aligned,
    user_id: str,
    as_of: int,
    rules: Rules,
    low: int,
    high: int,
) -> list[CountedWindow]:
    """Give a user's windows that overlap [low, high) in order of time (contract 6)."""
    first = max(low - windows.size - windows.step * _windows_a_row(windows), 0)
    found = []
    for (_, bucket), row in rows.scan((user_id, first), (user_id, LAST_TIME)):
        for number, count in row.counts.items():
            start = bucket + number * windows.step
            last, end = windows.last(start), windows.end(start)
            if start >= high or end <= low:
                continue
            if not is_dropped(last, as_of, rules.grace, rules.retention):
                found.append(CountedWindow(start, end, count, is_closed(last, as_of, rules.grace)))
    return sorted(found)
