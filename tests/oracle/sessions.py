"""Contract section 4, sessions: a user's events at most 30 minutes apart belong together."""

from dataclasses import dataclass

from tests.oracle.exact_numbers import iso
from tests.oracle.records import Settings
from tests.oracle.results import SESSION, Ledger
from tests.oracle.validate import Event


@dataclass(slots=True)
class Session:
    """`start` and `end` are its first and last event (ms)."""

    start: int
    end: int
    count: int = 1


class Sessions:
    """The state of one partition."""

    def __init__(self, settings: Settings, ledger: Ledger) -> None:
        self.settings = settings
        self.ledger = ledger
        self.stream_time: int | None = None
        self.users: dict[str, list[Session]] = {}

    def closed(self, session: Session) -> bool:
        close = session.end + self.settings.session_gap + self.settings.grace
        return (self.stream_time or 0) > close

    def kept(self, session: Session) -> bool:
        close = session.end + self.settings.session_gap + self.settings.grace
        return (self.stream_time or 0) <= close + self.settings.retention

    def take(self, event: Event) -> None:
        now = self.stream_time = max(self.stream_time or 0, event.time)
        gap = self.settings.session_gap
        mine = self.users.setdefault(event.user, [])
        merged = Session(event.time, event.time)
        rest = []
        for session in mine:
            near = session.start - gap <= event.time <= session.end + gap
            if near and not self.closed(session):
                merged.start = min(merged.start, session.start)
                merged.end = max(merged.end, session.end)
                merged.count += session.count
            else:
                rest.append(session)
        if self.closed(merged):
            end = merged.end + gap
            self.ledger.too_late(SESSION, event, now, end, self.settings.grace)
            return
        self.users[event.user] = sorted([*rest, merged], key=lambda s: (s.end, s.start))
        self.ledger.applied(SESSION, event)

    def final(self) -> list[dict[str, object]]:
        """The values on `user-sessions`: every session that has closed."""
        return [
            {"user_id": user, "start": s.start, "end": s.end, "count": s.count}
            for user, sessions in self.users.items()
            for s in sessions
            if self.closed(s)
        ]

    def view(self, user: str) -> list[dict[str, object]]:
        return [
            {"start": iso(s.start), "end": iso(s.end), "count": s.count, "closed": self.closed(s)}
            for s in self.users.get(user, [])
            if self.kept(s)
        ]
