"""The folds over user events beside the independent model, through commits, kills and rollbacks."""

from dataclasses import dataclass, replace

from tables import event_counts, hopping_counts, moving_average, sessions, window_counts
from tables.moving_average import Averaged, MovingAverage
from tables.outcome import Late
from tables.rules import Rules
from tables.series_rows import HEADS, PARTS
from tables.sessions import OpenSession, Sessions
from tables.window_counts import WindowCounts
from tests.oracle.moving_average import MovingAverages
from tests.oracle.records import USER_EVENTS, Record, Settings
from tests.oracle.results import Ledger
from tests.oracle.sessions import Sessions as ModelSessions
from tests.oracle.validate import Event
from tests.oracle.windows import event_counts as model_counts
from tests.oracle.windows import hopping_counts as model_hopping
from tests.tables.making import Stored

Published = tuple[str, int, int, int, int]
"""(user, start, end, count, sum)."""


@dataclass
class Seen:
    """What the folds have told: averages and sessions as published, late (computation, number)."""

    averages: list[Published]
    sessions: list[Published]
    late: set[tuple[str, int]]

    def copy(self) -> "Seen":
        return replace(
            self, averages=[*self.averages], sessions=[*self.sessions], late={*self.late}
        )


class Model:
    """The model of the same events, taken from the beginning."""

    def __init__(self, rules: Rules, events: list[Event]) -> None:
        self.ledger = Ledger()
        made = Settings(
            partitions=1,
            grace=rules.grace,
            retention=rules.retention,
            tumbling=rules.tumbling,
            hopping_size=rules.hopping_size,
            hopping_step=rules.hopping_step,
            average_window=rules.average_size,
            session_gap=rules.session_gap,
        )
        self.counts = model_counts(made, self.ledger)
        self.hopping = model_hopping(made, self.ledger)
        self.averages = MovingAverages(made, self.ledger)
        self.sessions = ModelSessions(made, self.ledger)
        for event in events:
            for computation in (self.counts, self.hopping, self.averages, self.sessions):
                computation.take(event)

    def late(self) -> set[tuple[str, int]]:
        return {(late.computation, late.event.record.offset) for late in self.ledger.late}

    def closed_averages(self) -> list[Published]:
        found = []
        for name, user in self.averages.users.items():
            for end in user.ends:
                if self.averages.closed(end):
                    start = end - self.averages.settings.average_window
                    window = user.windows[end]
                    found.append((name, start, end, window.count, window.micro))
        return sorted(found)

    def closed_sessions(self) -> list[Published]:
        return sorted(
            (name, s.start, s.end, s.count, 0)
            for name, mine in self.sessions.users.items()
            for s in mine
            if self.sessions.closed(s)
        )


class Folds:
    """All folds over user events; `events` are those that were not taken back."""

    def __init__(self, rules: Rules) -> None:
        self.rules = rules
        self.events: list[Event] = []
        self.seen = Seen([], [], set())
        self.saved = self.committed = (0, self.seen.copy())
        self.open(Stored(cache_rows=1))

    def open(self, stored: Stored) -> None:
        self.stored = stored
        windows = event_counts.windows(self.rules)
        self.counts = WindowCounts(stored, event_counts.TABLES, windows, self.rules)
        hopping = hopping_counts.windows(self.rules)
        self.hopping = WindowCounts(stored, hopping_counts.TABLES, hopping, self.rules)
        self.averages = MovingAverage(stored, self.rules, self.average)
        self.sessions = Sessions(stored, self.rules, self.session)

    def average(self, user: str, window: Averaged) -> None:
        self.seen.averages.append((user, *window))

    def session(self, user: str, session: OpenSession) -> None:
        self.seen.sessions.append((user, session.start, session.end, session.events, 0))

    def take(self, user: str, time: int, value: int | None) -> None:
        number = len(self.events)
        record = Record(USER_EVENTS, 0, number, time, user.encode(), b"")
        self.events.append(Event(record, time, user, "a", value))
        self.note(number, self.counts.add(user, time))
        self.note(number, self.hopping.add(user, time))
        if value is not None:
            self.note(number, self.averages.add(user, time, value))
        self.note(number, self.sessions.add(user, time))

    def note(self, number: int, late: Late | None) -> None:
        if late is not None:
            self.seen.late.add((late.computation, number))

    def savepoint(self) -> None:
        self.stored.savepoint()
        self.saved = len(self.events), self.seen.copy()

    def rollback(self) -> None:
        self.stored.rollback()
        self.go_back(self.saved)

    def discard(self) -> None:
        self.stored.discard()
        self.go_back(self.committed)
        self.saved = self.committed

    def kill(self) -> None:
        self.go_back(self.committed)
        self.saved = self.committed
        self.open(self.stored.restarted())

    def go_back(self, to: tuple[int, Seen]) -> None:
        del self.events[to[0] :]
        self.seen = to[1].copy()

    def sweep(self) -> None:
        for fold in (self.counts, self.hopping, self.averages, self.sessions):
            fold.sweep()

    def commit(self) -> None:
        """Then nothing is left to be told."""
        self.sweep()
        self.stored.commit()
        self.committed = self.saved = len(self.events), self.seen.copy()
        assert not self.averages.overdue
        assert not self.sessions.overdue

    def check(self, users: list[str]) -> None:
        """All that was told and all that views show, after a commit."""
        model = Model(self.rules, self.events)
        assert self.seen.late == model.late()
        assert sorted(self.seen.averages) == model.closed_averages()
        assert sorted(self.seen.sessions) == model.closed_sessions()
        for published in (self.seen.averages, self.seen.sessions):
            for user in users:
                ends = [end for name, _, end, _, _ in published if name == user]
                assert ends == sorted(ends)
        for user in users:
            assert self.views(user) == wanted(model, user)

    def views(self, user: str) -> dict[str, object]:
        reader, rules = self.stored.store, self.rules
        found: dict[str, object] = {}
        for tables, windows in (
            (event_counts.TABLES, event_counts.windows(rules)),
            (hopping_counts.TABLES, hopping_counts.windows(rules)),
        ):
            rows = tables.counts.reader(reader)
            now = self.stored.stream_time(tables.name).value
            newest = None if tables.newest is None else tables.newest.reader(reader)
            seen = window_counts.view(rows, newest, windows, user, now, rules, 0, 2**60)
            found[tables.name] = [(w.start, w.end, w.events, w.closed) for w in seen]
        now = self.stored.stream_time(moving_average.NAME).value
        found["average"] = moving_average.view(
            HEADS.reader(reader), PARTS.reader(reader), user, now, rules
        )
        now = self.stored.stream_time(sessions.NAME).value
        open_rows, closed_rows = sessions.OPEN.reader(reader), sessions.CLOSED.reader(reader)
        found["sessions"] = [
            tuple(s) for s in sessions.view(open_rows, closed_rows, user, now, rules)
        ]
        return found


def wanted(model: Model, user: str) -> dict[str, object]:
    """The same views by the model."""
    found: dict[str, object] = {}
    for name, windows in (("event-counts", model.counts), ("hopping-counts", model.hopping)):
        found[name] = [
            (s, s + windows.shape.size, windows.cells[user, s].count, windows.closed(s))
            for s in sorted(windows.starts.get(user, ()))
            if windows.kept(s)
        ]
    found["average"] = None
    mine = model.averages.users.get(user)
    made = model.averages.settings
    if mine is not None and mine.ends:
        end = mine.ends[-1]
        if (model.averages.stream_time or 0) <= end + made.grace + made.retention:
            window = mine.windows[end]
            found["average"] = (end - made.average_window, end, window.count, window.micro)
    found["sessions"] = sorted(
        (s.start, s.end, s.count, model.sessions.closed(s))
        for s in model.sessions.users.get(user, [])
        if model.sessions.kept(s)
    )
    return found
