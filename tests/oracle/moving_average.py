"""Contract section 4, moving average: a window [t - 10 min, t] for each event time t of a user."""

from bisect import bisect_left, bisect_right, insort
from dataclasses import dataclass, field

from tests.oracle.exact_numbers import iso, mean
from tests.oracle.records import Settings
from tests.oracle.results import MOVING_AVERAGE, Ledger
from tests.oracle.validate import Event

LAST = float("inf")


@dataclass(slots=True)
class Average:
    """The contents of one window: how many events, and their sum in millionths."""

    count: int = 0
    micro: int = 0

    def add(self, micro: int) -> None:
        self.count += 1
        self.micro += micro


@dataclass(slots=True)
class UserAverages:
    """One user's counted events (time, offset, millionths), and windows by their end."""

    counted: list[tuple[int, int, int]] = field(default_factory=list)
    ends: list[int] = field(default_factory=list)
    windows: dict[int, Average] = field(default_factory=dict)


class MovingAverages:
    """The state of one partition; it takes only events that have a value."""

    def __init__(self, settings: Settings, ledger: Ledger) -> None:
        self.settings = settings
        self.ledger = ledger
        self.stream_time: int | None = None
        self.users: dict[str, UserAverages] = {}

    def closed(self, end: int) -> bool:
        return (self.stream_time or 0) > end + self.settings.grace

    def take(self, event: Event) -> None:
        if event.micro is None:
            return
        now = self.stream_time = max(self.stream_time or 0, event.time)
        user = self.users.setdefault(event.user, UserAverages())
        first = bisect_left(user.ends, event.time)
        last = bisect_right(user.ends, event.time + self.settings.average_window)
        existing = user.ends[first:last]
        opened = [end for end in existing if not self.closed(end)]
        if not opened and self.closed(event.time):
            end = max([event.time, *existing])
            self.ledger.too_late(MOVING_AVERAGE, event, now, end, self.settings.grace)
            return
        for end in opened:
            user.windows[end].add(event.micro)
        insort(user.counted, (event.time, event.record.offset, event.micro))
        if not self.closed(event.time) and event.time not in user.windows:
            self.make_window(user, event.time)
        self.ledger.applied(MOVING_AVERAGE, event)

    def make_window(self, user: UserAverages, end: int) -> None:
        first = bisect_left(user.counted, (end - self.settings.average_window,))
        last = bisect_right(user.counted, (end, LAST))
        window = Average()
        for _, _, micro in user.counted[first:last]:
            window.add(micro)
        user.windows[end] = window
        insort(user.ends, end)

    def final(self) -> list[dict[str, object]]:
        """The values on `moving-averages`: every window that has closed."""
        return [
            {
                "user_id": name,
                "window_start": end - self.settings.average_window,
                "window_end": end,
                "count": user.windows[end].count,
                "average": mean(user.windows[end].micro, user.windows[end].count),
            }
            for name, user in self.users.items()
            for end in user.ends
            if self.closed(end)
        ]

    def view(self, name: str) -> dict[str, object]:
        """The window of the user's latest event, while it is kept."""
        user = self.users.get(name)
        empty: dict[str, object] = {"average": None, "count": 0, "start": None, "end": None}
        if user is None or not user.ends:
            return empty
        end = user.ends[-1]
        if (self.stream_time or 0) > end + self.settings.grace + self.settings.retention:
            return empty
        return {
            "average": mean(user.windows[end].micro, user.windows[end].count),
            "count": user.windows[end].count,
            "start": iso(end - self.settings.average_window),
            "end": iso(end),
        }
