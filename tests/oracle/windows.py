"""Contract section 4, counts and revenue in windows that start at multiples of a step."""

from dataclasses import dataclass

from tests.oracle.exact_numbers import iso, money
from tests.oracle.records import Settings
from tests.oracle.results import EVENT_COUNTS, HOPPING_COUNTS, REVENUE_SUM, Ledger
from tests.oracle.validate import Event


def starts_containing(time: int, size: int, step: int) -> list[int]:
    """Starts of the windows [start, start + size) that contain `time`; none before the epoch."""
    last = time // step * step
    return [start for start in range(last, time - size, -step) if start >= 0][::-1]


@dataclass(frozen=True)
class Shape:
    computation: str
    size: int
    step: int


@dataclass(slots=True)
class Cell:
    """One window's contents: events, and the sum of their amounts in millionths."""

    count: int = 0
    micro: int = 0


class Windows:
    """One partition's windows, {(user, start): cell}; revenue has one for all users, ""."""

    def __init__(self, shape: Shape, settings: Settings, ledger: Ledger) -> None:
        self.shape = shape
        self.settings = settings
        self.ledger = ledger
        self.stream_time: int | None = None
        self.known_stream_time: int | None = None
        self.cells: dict[tuple[str, int], Cell] = {}
        self.starts: dict[str, set[int]] = {}

    def last(self, start: int) -> int:
        """The window's last millisecond."""
        return start + self.shape.size - 1

    def closed(self, start: int) -> bool:
        return (self.stream_time or 0) > self.last(start) + self.settings.grace

    def kept(self, start: int) -> bool:
        """Still there: not yet `retention` past its close."""
        drop = self.last(start) + self.settings.grace + self.settings.retention
        return (self.stream_time or 0) <= drop

    def take(self, event: Event) -> None:
        now = max(self.stream_time or 0, event.time)
        self.note_crossing(now)
        self.stream_time = now
        user = "" if self.shape.computation == REVENUE_SUM else event.user
        starts = starts_containing(event.time, self.shape.size, self.shape.step)
        opened = [start for start in starts if not self.closed(start)]
        if not opened:
            end = self.last(starts[-1])
            self.ledger.too_late(self.shape.computation, event, now, end, self.settings.grace)
            return
        self.starts.setdefault(user, set()).update(opened)
        for start in opened:
            cell = self.cells.setdefault((user, start), Cell())
            cell.count += 1
            cell.micro += event.micro or 0
        self.ledger.applied(self.shape.computation, event)

    def note_crossing(self, now: int) -> None:
        """Revenue: the stream time that the other partitions know at least.

        It is written with the first purchase and whenever it passes a window's close.
        """
        before = self.stream_time
        margin = self.settings.grace
        if before is None or (now - margin) // self.shape.step != (
            (before - margin) // self.shape.step
        ):
            self.known_stream_time = now

    def view(self, user: str) -> list[dict[str, object]]:
        """The user's windows still kept, oldest first."""
        starts = sorted(s for s in self.starts.get(user, ()) if self.kept(s))
        return [
            {
                "start": iso(start),
                "end": iso(start + self.shape.size),
                "count": self.cells[user, start].count,
                "closed": self.closed(start),
            }
            for start in starts
        ]


def event_counts(settings: Settings, ledger: Ledger) -> Windows:
    size = settings.tumbling
    return Windows(Shape(EVENT_COUNTS, size, size), settings, ledger)


def hopping_counts(settings: Settings, ledger: Ledger) -> Windows:
    size, step = settings.hopping_size, settings.hopping_step
    return Windows(Shape(HOPPING_COUNTS, size, step), settings, ledger)


def revenue_partials(settings: Settings, ledger: Ledger) -> Windows:
    return Windows(Shape(REVENUE_SUM, settings.tumbling, settings.tumbling), settings, ledger)


class MergedRevenue:
    """The totals over all partitions that have had a purchase."""

    def __init__(self, partials: dict[int, Windows], settings: Settings) -> None:
        self.partials = [p for p in partials.values() if p.stream_time is not None]
        self.settings = settings
        self.totals: dict[int, Cell] = {}
        for partial in self.partials:
            for (_, start), cell in partial.cells.items():
                total = self.totals.setdefault(start, Cell())
                total.count += cell.count
                total.micro += cell.micro

    def value(self, start: int) -> dict[str, object]:
        """The final value on `revenue-per-5min`."""
        return {
            "window_start": start,
            "window_end": start + self.settings.tumbling,
            "revenue": money(self.totals[start].micro),
            "purchases": self.totals[start].count,
        }

    def row(self, start: int) -> dict[str, object]:
        """The row of the view."""
        return {
            "start": iso(start),
            "end": iso(start + self.settings.tumbling),
            "revenue": money(self.totals[start].micro),
            "purchases": self.totals[start].count,
            "closed": all(partial.closed(start) for partial in self.partials),
        }

    def drop_after(self, start: int) -> int:
        last = start + self.settings.tumbling - 1
        return last + self.settings.grace + self.settings.revenue_retention

    def kept(self) -> list[int]:
        """Windows that must be in the view, newest first."""
        slowest = min((p.stream_time or 0 for p in self.partials), default=0)
        return sorted((s for s in self.totals if slowest <= self.drop_after(s)), reverse=True)

    def perhaps_kept(self) -> set[int]:
        """Windows that the owner may still show: it knows stream times only as written."""
        slowest = min((p.known_stream_time or 0 for p in self.partials), default=0)
        return {s for s in self.totals if slowest <= self.drop_after(s)}
