"""Sessions: a user's events at most a gap apart belong together (contract 4, sessions).

A user's open sessions lie in one row: few, since each is more than a gap from the next and none is
older than gap and grace. A session that closes is told once, and goes to a row of its own, where
views find it until it is past its retention; no event finds it any more.
"""

from collections.abc import Callable
from typing import NamedTuple, Self

import msgspec

from tables.expiry import Expiry, slot
from tables.keys import LAST_TIME, USER_TIME, UserTime
from tables.outcome import Late
from tables.row import RowReader
from tables.rows import Table
from tables.rules import Rules
from tables.slots import index_table
from tables.state import State
from tables.timers import NEVER, Timers
from tables.user_rows import PartReader, UserPart, due_of
from tables.windows import Session, is_closed, is_dropped

NAME = "sessions"
_SWEPT_AT_ONCE = 10_000
_encode = msgspec.msgpack.Encoder().encode


class OpenSession(NamedTuple):
    """Times of the first and the last event in ms, and how many events there are."""

    end: int
    start: int
    events: int


_decode = msgspec.msgpack.Decoder(tuple[int, list[OpenSession]]).decode
_decode_due = msgspec.msgpack.Decoder(tuple[int, msgspec.Raw]).decode
_decode_closed = msgspec.msgpack.Decoder(tuple[int, int]).decode


class OpenRow:
    """A user's open sessions by their end; `due`: when to look for closed ones."""

    __slots__ = ("due", "sessions")

    def __init__(self) -> None:
        """Start without any."""
        self.due = NEVER
        self.sessions: list[OpenSession] = []

    @classmethod
    def decode(cls, data: bytes) -> Self:
        """See `Row`."""
        row = cls.__new__(cls)
        row.due, row.sessions = _decode(data)
        return row

    def encode(self) -> bytes:
        """See `Row`."""
        return _encode((self.due, self.sessions))

    @staticmethod
    def due_in(data: bytes) -> int:
        """See `DueRow`."""
        return _decode_due(data)[0]

    def copy(self) -> Self:
        """See `Row`."""
        cls = type(self)
        row = cls.__new__(cls)
        row.due, row.sessions = self.due, self.sessions.copy()
        return row


class ClosedRow:
    """A closed session, under its user and end."""

    __slots__ = ("count", "start")

    def __init__(self, start: int = 0, count: int = 0) -> None:
        """`start`: time of its first event in ms."""
        self.start = start
        self.count = count

    @classmethod
    def decode(cls, data: bytes) -> Self:
        """See `Row`."""
        return cls(*_decode_closed(data))

    def encode(self) -> bytes:
        """See `Row`."""
        return _encode((self.start, self.count))

    def copy(self) -> Self:
        """See `Row`."""
        return type(self)(self.start, self.count)


OPEN = UserPart(3, OpenRow)
OPEN_TIMERS = index_table("sessions-timers", b"G")
CLOSED = Table("closed-sessions", b"k", ClosedRow, USER_TIME)
CLOSED_EXPIRY = index_table("closed-sessions-expiry", b"K")

OnClose = Callable[[str, OpenSession], None]


class Sessions:
    """One partition's sessions."""

    def __init__(self, state: State, rules: Rules, on_close: OnClose) -> None:
        """`on_close` is told of each session once, when it closes; of a user's by their end."""
        self._rows = OPEN.of(state)
        self._closed = state.rows(CLOSED)
        self._expiry = Expiry(state.rows(CLOSED_EXPIRY))
        self._timers = Timers(state.rows(OPEN_TIMERS), self._due_of)
        state.keep(self._timers)
        self._time = state.stream_time(NAME)
        state.load_by(lambda: self._timers.load(self._time.value))
        self._on_close = on_close
        self._session = Session(rules.session_gap)
        self._gap = rules.session_gap
        self._grace = rules.grace
        self._retention = rules.retention

    def add(self, user_id: str, time: int) -> Late | None:
        """Take an event: into the open sessions that it belongs to, or one of its own."""
        now = self._time.advance(time)
        row = self._rows.get(user_id)
        if row is not None and len(row.sessions) == 1:
            end, start, events = row.sessions[0]
            last = end + self._gap
            if start <= time <= last and not is_closed(last, now, self._grace):
                row = self._rows.edit(user_id)
                row.sessions[0] = OpenSession(end if time < end else time, start, events + 1)
                return None
        return self._merge(user_id, row, time, now)

    def _merge(self, user_id: str, row: OpenRow | None, time: int, now: int) -> Late | None:
        first = last = time
        count = 1
        near: list[OpenSession] = []
        for session in row.sessions if row is not None else ():
            if not self._session.near(time, session.start, session.end):
                continue
            if not self._is_closed(session.end, now):
                near.append(session)
                first, last = min(first, session.start), max(last, session.end)
                count += session.events
        if self._is_closed(last, now):
            return Late(NAME, now - time, now)
        row = self._rows.edit(user_id)
        rest = [session for session in row.sessions if session not in near]
        row.sessions = sorted([*rest, OpenSession(last, first, count)])
        self._look_at(user_id, row, self._due(last))
        return None

    def _is_closed(self, end: int, now: int) -> bool:
        return is_closed(self._session.last(end), now, self._grace)

    def _due(self, end: int) -> int:
        return self._session.last(end) + self._grace

    def _due_of(self, user_id: str) -> int:
        return due_of(self._rows, user_id)

    def _look_at(self, user_id: str, row: OpenRow, due: int) -> None:
        """Have the user looked at at `due`, unless that happens earlier anyway."""
        if row.due == NEVER or due < row.due:
            self._timers.enter(user_id, due, row.due)
            row.due = due

    @property
    def overdue(self) -> bool:
        """Whether `sweep` has more to do."""
        return self._expiry.behind or self._timers.overdue(self._time.value)

    def sweep(self) -> None:
        """Close a bounded number of users' sessions; drop those that are past their time."""
        self._timers.sweep(self._time.value, self._close, _SWEPT_AT_ONCE)
        self._expiry.sweep(self._time.value, self._drop)

    def _close(self, user_id: str) -> None:
        row = self._rows.get(user_id)
        if row is None:
            return
        row, now = self._rows.edit(user_id), self._time.value
        left = []
        for session in row.sessions:
            if self._is_closed(session.end, now):
                self._on_close(user_id, session)
                self._keep(user_id, session, now)
            else:
                left.append(session)
        row.sessions = left
        if not left:
            self._rows.delete(user_id)
            return
        before, row.due = row.due, self._due(left[0].end)
        self._timers.enter(user_id, row.due, before)

    def _keep(self, user_id: str, session: OpenSession, now: int) -> None:
        last = self._session.last(session.end)
        if not is_dropped(last, now, self._grace, self._retention):
            self._closed.put((user_id, session.end), ClosedRow(session.start, session.events))
            due = slot(last + self._grace + self._retention)
            self._expiry.enter(f"{session.end}@{user_id}", due)

    def _drop(self, member: str) -> None:
        end, _, user_id = member.partition("@")
        self._closed.delete((user_id, int(end)))


class UserSession(NamedTuple):
    """A session as views show it: times in ms of its first and its last event."""

    start: int
    end: int
    events: int
    closed: bool


def view(
    rows: PartReader[OpenRow],
    closed: RowReader[UserTime, ClosedRow],
    user_id: str,
    as_of: int,
    rules: Rules,
) -> list[UserSession]:
    """Give a user's sessions that are kept, the oldest first (contract 6)."""
    session = Session(rules.session_gap)
    found = [
        UserSession(row.start, end, row.count, True)
        for (_, end), row in closed.scan((user_id, 0), (user_id, LAST_TIME))
        if not is_dropped(session.last(end), as_of, rules.grace, rules.retention)
    ]
    row = rows.get(user_id)
    for end, start, count in row.sessions if row is not None else ():
        last = session.last(end)
        if not is_dropped(last, as_of, rules.grace, rules.retention):
            found.append(UserSession(start, end, count, is_closed(last, as_of, rules.grace)))
    return sorted(found)
