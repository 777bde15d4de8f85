"""The durations that define the computations (contract 4), in ms."""

from dataclasses import dataclass

SECOND = 1000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR


@dataclass(frozen=True)
class Rules:
    """What shapes results and state; all but `max_pages` are settings."""

    join_wait: int = SECOND
    grace: int = MINUTE
    retention: int = HOUR
    revenue_retention: int = 7 * DAY

    join_window: int = 10 * MINUTE
    tumbling: int = 5 * MINUTE
    hopping_size: int = 10 * MINUTE
    hopping_step: int = 2 * MINUTE
    average_size: int = 10 * MINUTE
    session_gap: int = 30 * MINUTE
    max_pages: int = 50

    @property
    def click_keep(self) -> int:
        """How far behind stream time a click is still kept, and not late (contract 4)."""
        return self.join_window + self.join_wait + self.grace
