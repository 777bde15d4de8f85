"""What a computation reports besides its tables."""

from dataclasses import dataclass, field

from tests.oracle.records import Position
from tests.oracle.validate import Event

ENRICHMENT = "enrichment"
EVENT_COUNTS = "event-counts"
MOVING_AVERAGE = "moving-average"
HOPPING_COUNTS = "hopping-counts"
SESSION = "sessions"
REVENUE_SUM = "revenue"
TOTALS = "totals"


@dataclass(frozen=True, slots=True)
class Late:
    """A record that came too late for a computation.

    `closed` is the last instant (ms) that was in time without the grace; `grace` is on top.
    """

    event: Event
    computation: str
    stream_time: int
    closed: int
    grace: int

    def readings(self) -> dict[str, int]:
        """What `late.by` may mean: behind stream time, past the end, past the end and grace."""
        return {
            "stream time - event time": self.stream_time - self.event.time,
            "stream time - end": self.stream_time - self.closed,
            "stream time - end - grace": self.stream_time - self.closed - self.grace,
        }


@dataclass
class Ledger:
    """Per computation: its late records and what became of each record."""

    late: list[Late] = field(default_factory=list)
    fates: dict[str, dict[Position, str]] = field(default_factory=dict)

    def applied(self, computation: str, event: Event) -> None:
        self.fates.setdefault(computation, {})[event.record.position] = "applied"

    def too_late(
        self, computation: str, event: Event, stream_time: int, closed: int, grace: int
    ) -> None:
        self.late.append(Late(event, computation, stream_time, closed, grace))
        self.fates.setdefault(computation, {})[event.record.position] = "late"
