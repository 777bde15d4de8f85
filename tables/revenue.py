"""Revenue in 5-minute windows over all users, in two stages (contract 4, revenue).

`PartialRevenue` sums a source partition's purchases. `MergedRevenue`, in the partition that owns a
window's key, keeps the newest partial sum of each source partition and adds them up. No partition
sees every purchase, and a partial sum that is written twice changes nothing.
"""

from typing import NamedTuple, Self

import msgspec

from tables.big import Stored, stored
from tables.keys import LAST_TIME, TIME
from tables.outcome import Late
from tables.row import RowReader
from tables.rows import Rows, Table
from tables.rules import Rules
from tables.undo import Changed, StreamTime
from tables.windows import Tumbling, is_closed, is_dropped

NAME = "revenue"
_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(dict[int, tuple[Stored, int]]).decode


class SumsRow:
    """Sums of one window by source partition: (millionths, number of purchases)."""

    __slots__ = ("sums",)

    def __init__(self) -> None:
        """Start empty."""
        self.sums: dict[int, tuple[int, int]] = {}

    @classmethod
    def decode(cls, data: bytes) -> Self:
        """See `Row`."""
        row = cls.__new__(cls)
        row.sums = {
            source: (int(total), number) for source, (total, number) in _decode(data).items()
        }
        return row

    def encode(self) -> bytes:
        """See `Row`."""
        return _encode({source: (stored(s), n) for source, (s, n) in self.sums.items()})

    def copy(self) -> Self:
        """See `Row`."""
        cls = type(self)
        row = cls.__new__(cls)
        row.sums = self.sums.copy()
        return row

    def total(self) -> tuple[int, int]:
        """Millionths and number of purchases over all source partitions."""
        sums = self.sums.values()
        return sum(s for s, _ in sums), sum(n for _, n in sums)


PARTIAL = Table("revenue-partial", b"p", SumsRow, TIME)
MERGED = Table("revenue", b"r", SumsRow, TIME)
# One row: source partition -> (its stream time in ms, 0).
SOURCES = Table("revenue-sources", b"s", SumsRow, TIME)
_SOURCES_KEY = 0


class PartialRevenue:
    """A source partition's own sums, and when its stream time has to be told to the owners."""

    def __init__(
        self,
        rows: Rows[int, SumsRow],
        stream_time: StreamTime,
        changed: Changed[int],
        partition: int,
        rules: Rules,
    ) -> None:
        """`changed`: takes the start of each window whose sum changed since the last commit."""
        self._rows = rows
        self._time = stream_time
        self._changed = changed
        self._partition = partition
        self._grace = rules.grace
        self._window = Tumbling(rules.tumbling)

    def add(self, time: int, amount: int) -> Late | None:
        """Add a purchase of `amount` millionths, unless its window is closed."""
        now = self._time.advance(time)
        start = self._window.start(time)
        if is_closed(self._window.last(start), now, self._grace):
            return Late(NAME, now - time, now)
        sums = self._rows.edit(start).sums
        revenue, purchases = sums.get(self._partition, (0, 0))
        sums[self._partition] = (revenue + amount, purchases + 1)
        self._changed.add(start)
        return None

    def closes(self) -> int:
        """How many window closes stream time has passed; -1 before the first purchase."""
        if self._time.value < 0:
            return -1
        return max((self._time.value - self._grace) // self._window.size, 0)

    def partial(self, start: int) -> tuple[int, int]:
        """Give the window's absolute partial sum: millionths, number of purchases."""
        row = self._rows.get(start)
        return (0, 0) if row is None else row.sums.get(self._partition, (0, 0))

    def sweep(self) -> None:
        """Drop closed windows: their last partial sum has been written."""
        now, done = self._time.value, list[int]()
        for start, _ in self._rows.scan(0, LAST_TIME):
            if start in self._changed or not is_closed(self._window.last(start), now, self._grace):
                break
            done.append(start)
        for start in done:
            self._rows.delete(start)


class MergedRevenue:
    """The owner's side: the newest partial sum of each source partition."""

    def __init__(
        self,
        rows: Rows[int, SumsRow],
        sources: Rows[int, SumsRow],
        changed: Changed[int],
        partitions: int,
        rules: Rules,
    ) -> None:
        """`changed`: takes the start of each window whose total changed since the last commit."""
        self._partitions = partitions
        self._rows = rows
        self._sources = sources
        self._changed = changed
        self._rules = rules
        self._window = Tumbling(rules.tumbling)
        self.overdue = False
        """Whether `sweep` has more to do."""

    def partial(self, source: int, start: int, revenue: int, purchases: int) -> None:
        """Take the partial sum of a source partition in place of its earlier one."""
        sums = self._rows.edit(start).sums
        if sums.get(source) != (revenue, purchases):
            sums[source] = (revenue, purchases)
            self._changed.add(start)

    def stream_time(self, source: int, time: int) -> None:
        """Take the stream time (ms) of a source partition."""
        times = self._sources.edit(_SOURCES_KEY).sums
        if time > times.get(source, (-1, 0))[0]:
            times[source] = (time, 0)

    def total(self, start: int) -> tuple[int, int]:
        """Give the window's total: millionths, number of purchases."""
        row = self._rows.get(start)
        return (0, 0) if row is None else row.total()

    def sweep(self, limit: int = 200) -> None:
        """Drop a bounded number of windows that are past their retention."""
        slowest = slowest_source(self._sources)
        rules, done = self._rules, list[int]()
        # A partition whose first purchase is still to come may bring partial sums of old windows:
        # until all are known, rows stay longer than views show them.
        known = len(times.sums) if (times := self._sources.get(_SOURCES_KEY)) else 0
        keep = rules.revenue_retention * (1 if known == self._partitions else 10)
        for start, _ in self._rows.scan(0, LAST_TIME):
            last = self._window.last(start)
            if len(done) >= limit or not is_dropped(last, slowest, rules.grace, keep):
                break
            done.append(start)
        for start in done:
            self._rows.delete(start)
        self.overdue = len(done) >= limit


class RevenueWindow(NamedTuple):
    """A window over all users: times in ms, `end` exclusive, `revenue` in millionths."""

    start: int
    end: int
    revenue: int
    purchases: int
    closed: bool


def slowest_source(sources: RowReader[int, SumsRow]) -> int:
    """Give the stream time of the slowest partition that has had a purchase; -1 without any."""
    row = sources.get(_SOURCES_KEY)
    return -1 if row is None or not row.sums else min(t for t, _ in row.sums.values())


def view(
    rows: RowReader[int, SumsRow],
    sources: RowReader[int, SumsRow],
    rules: Rules,
    low: int,
    high: int,
    limit: int,
) -> list[RevenueWindow]:
    """Give windows that overlap [low, high), the newest first, `limit` at most (contract 6)."""
    window = Tumbling(rules.tumbling)
    slowest = slowest_source(sources)
    found: list[RevenueWindow] = []
    first = max(low - rules.tumbling + 1, 0)
    for start, row in rows.scan(first, max(high, 0), reverse=True):
        last = window.last(start)
        if is_dropped(last, slowest, rules.grace, rules.revenue_retention):
            break
        closed = is_closed(last, slowest, rules.grace)
        found.append(RevenueWindow(start, window.end(start), *row.total(), closed))
        if len(found) >= limit:
            break
    return found
