"""How many user events each user had in each 5-minute window (contract 4, event counts)."""

from typing import NamedTuple, Self

import msgspec

from tables.expiry import Expiry, IndexRows, index_table, slot
from tables.keys import LAST_TIME, USER_TIME, UserTime
from tables.outcome import Late
from tables.rows import RowReader, Rows, Table
from tables.rules import Rules
from tables.undo import Changed, StreamTime
from tables.windows import Tumbling, is_closed, is_dropped

NAME = "event-counts"
# Windows a row: two hours of the usual 5 minutes.
_WINDOWS = 24
_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(dict[int, int]).decode


class CountsRow:
    """One user's counts by window start, for `_WINDOWS` windows in a row."""

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


COUNTS = Table("event-counts", b"w", CountsRow, USER_TIME)
COUNTS_EXPIRY = index_table("event-counts-expiry", b"W")


class CountedWindow(NamedTuple):
    """A window of a user: times in ms, `end` exclusive."""

    start: int
    end: int
    events: int
    closed: bool


class EventCounts:
    """One partition's counts."""

    def __init__(
        self,
        rows: Rows[UserTime, CountsRow],
        index: IndexRows,
        stream_time: StreamTime,
        changed: Changed[tuple[str, int]],
        rules: Rules,
    ) -> None:
        """`changed`: takes (user, window start) of each change since the last commit."""
        self._rows = rows
        self._time = stream_time
        self._changed = changed
        self._grace = rules.grace
        self._window = Tumbling(rules.tumbling)
        self._bucket = rules.tumbling * _WINDOWS
        self._keep = rules.grace + rules.retention
        self._expiry = Expiry(index)

    def add(self, user_id: str, time: int) -> Late | None:
        """Count an event, unless its window is closed."""
        now = self._time.advance(time)
        start = self._window.start(time)
        if is_closed(self._window.last(start), now, self._grace):
            return Late(NAME, now - time, now)
        bucket = time - time % self._bucket
        counts = self._rows.edit((user_id, bucket)).counts
        if not counts:
            due = slot(bucket + self._bucket - 1 + self._keep)
            self._expiry.enter(f"{bucket}@{user_id}", due)
        counts[start] = counts.get(start, 0) + 1
        self._changed.add((user_id, start))
        return None

    def count(self, user_id: str, start: int) -> int:
        """Give the count of a window as it stands in the open transaction."""
        row = self._rows.get((user_id, start - start % self._bucket))
        return 0 if row is None else row.counts.get(start, 0)

    def sweep(self) -> None:
        """Drop a bounded number of rows that are past their time."""
        self._expiry.sweep(self._time.value, self._drop)

    def _drop(self, member: str) -> None:
        bucket, _, user_id = member.partition("@")
        self._rows.delete((user_id, int(bucket)))


def view(
    rows: RowReader[UserTime, CountsRow],
    user_id: str,
    as_of: int,
    rules: Rules,
    low: int,
    high: int,
) -> list[CountedWindow]:
    """Give a user's windows that overlap [low, high) in order of time (contract 6)."""
    window = Tumbling(rules.tumbling)
    first = max(low - rules.tumbling * _WINDOWS, 0)
    found = []
    for _, row in rows.scan((user_id, first), (user_id, LAST_TIME)):
        for start, count in row.counts.items():
            last, end = window.last(start), window.end(start)
            if start >= high or end <= low:
                continue
            if not is_dropped(last, as_of, rules.grace, rules.retention):
                found.append(CountedWindow(start, end, count, is_closed(last, as_of, rules.grace)))
    return sorted(found)
