"""The service's own folds (tables/) as an implementation.

After each event what is due is swept, as a commit does, so that a close is seen with its event. At
the end a user of the adapter's own comes long after all others: what was open until then closes.
"""

from collections.abc import Callable, Sequence
from typing import Protocol

from tables import window_counts
from tables.count_rows import CountTables
from tables.moving_average import Averaged, MovingAverage
from tables.outcome import Late
from tables.rules import Rules
from tables.sessions import OpenSession, Sessions
from tables.window_counts import WindowCounts
from tables.windows import Aligned, Hopping, Tumbling
from tests.kafka_streams.shapes import LONG, Content, Event, Result, Shape, Update, Window
from tests.tables.making import Stored

COUNTS = CountTables.of("kafka-streams", b"x", b"X", b"Y")
COMMIT_EVERY = 50
AFTER_ALL = "after all"


class Computation(Protocol):
    """One computation, its closes noted."""

    windows: dict[Window, Content]
    closed: dict[Window, int]

    def take(self, at: int, event: Event) -> Late | None:
        """Take the event number `at`, and close what is due."""

    def finish(self, last: int) -> None:
        """Complete `windows` with those that are open; `last`: number of events."""


class Tables:
    """Tumbling and hopping counts, moving averages and sessions of one partition."""

    name = "tables"

    def run(self, shape: Shape, events: Sequence[Event]) -> Result:
        stored = Stored(cache_rows=4)
        computation = _MAKERS[shape.kind](shape, stored)
        drops = set()
        for at, event in enumerate(events):
            if shape.takes(event) and computation.take(at, event) is not None:
                drops.add(at)
            if at % COMMIT_EVERY == 0:
                stored.commit()
        stored.commit()
        closed = dict(computation.closed)
        computation.finish(max(event.time for event in events))
        updates = computation.updates if isinstance(computation, _Counts) else None
        return Result(computation.windows, frozenset(drops), closed, updates)


def _rules(shape: Shape) -> Rules:
    return Rules(grace=shape.grace, retention=LONG, average_size=shape.size, session_gap=shape.size)


class _Counts:
    def __init__(self, shape: Shape, stored: Stored) -> None:
        self._stored = stored
        self._rules = _rules(shape)
        tumbling, hopping = Tumbling(shape.size), Hopping(shape.size, shape.step)
        self._of: Aligned = tumbling if shape.kind == "tumbling" else hopping
        self._fold = WindowCounts(
            stored, COUNTS, self._of, self._rules, stored.changed(), self._close
        )
        self._users: set[str] = set()
        self._at = 0
        self.windows: dict[Window, Content] = {}
        self.closed: dict[Window, int] = {}
        self.updates: list[Update] = []

    def _close(self, user: str, start: int, count: int) -> None:
        window = Window(user, start, self._of.end(start))
        assert window not in self.closed, "told twice"
        self.closed[window] = self._at
        self.windows[window] = Content(count, None)

    def take(self, at: int, event: Event) -> Late | None:
        self._at = at
        self._users.add(event.user)
        starts = self._of.starts(event.time)
        before = [self._fold.count(event.user, start) for start in starts]
        late = self._fold.add(event.user, event.time)
        for start, count in zip(starts, before, strict=True):
            if (now := self._fold.count(event.user, start)) != count:
                window = Window(event.user, start, self._of.end(start))
                self.updates.append(Update(at, window, Content(now, None)))
        self._fold.sweep()
        return late

    def finish(self, last: int) -> None:
        """Views show all windows here; those that were told as closed must be the same there."""
        rows = COUNTS.counts.reader(self._stored.store)
        for user in self._users:
            for w in window_counts.view(rows, None, self._of, user, last, self._rules, 0, LONG):
                window, content = Window(user, w.start, w.end), Content(w.events, None)
                assert self.windows.setdefault(window, content) == content
                assert w.closed == (window in self.closed)


class _Averages:
    def __init__(self, shape: Shape, stored: Stored) -> None:
        self._shape = shape
        self._fold = MovingAverage(stored, _rules(shape), self._close)
        self._at = 0
        self.windows: dict[Window, Content] = {}
        self.closed: dict[Window, int] = {}

    def _close(self, user: str, averaged: Averaged) -> None:
        window = Window(user, averaged.start, averaged.end)
        assert window not in self.closed, "told twice"
        self.closed[window] = self._at
        self.windows[window] = Content(averaged.values, averaged.sum)

    def take(self, at: int, event: Event) -> Late | None:
        self._at = at
        late = self._fold.add(event.user, event.time, event.value or 0)
        self._fold.sweep()
        return late

    def finish(self, last: int) -> None:
        after = last + 2 * self._shape.size + self._shape.grace + 1
        self._fold.add(AFTER_ALL, after, 0)
        self._fold.sweep()


class _Sessions:
    def __init__(self, shape: Shape, stored: Stored) -> None:
        self._shape = shape
        self._fold = Sessions(stored, _rules(shape), self._close)
        self._at = 0
        self.windows: dict[Window, Content] = {}
        self.closed: dict[Window, int] = {}

    def _close(self, user: str, session: OpenSession) -> None:
        window = Window(user, session.start, session.end)
        assert window not in self.closed, "told twice"
        self.closed[window] = self._at
        self.windows[window] = Content(session.events, None)

    def take(self, at: int, event: Event) -> Late | None:
        self._at = at
        late = self._fold.add(event.user, event.time)
        self._fold.sweep()
        return late

    def finish(self, last: int) -> None:
        self._fold.add(AFTER_ALL, last + 2 * self._shape.size + self._shape.grace + 1)
        self._fold.sweep()


_MAKERS: dict[str, Callable[[Shape, Stored], Computation]] = {
    "tumbling": _Counts,
    "hopping": _Counts,
    "sliding": _Averages,
    "session": _Sessions,
}
