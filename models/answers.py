"""What HTTP answers (contract 6): the models that answer, and that describe the answers.

Times are ISO 8601 in UTC with milliseconds (`models.times.iso`). Money is a JSON number with at
most six decimals, exact for any sum: the models hold it as a decimal, and `models.encoding` writes
its digits, so it never passes through a binary float.
"""

from decimal import Decimal
from functools import lru_cache
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, WithJsonSchema

from models.money import format_money
from models.times import iso

Instant = Annotated[
    str, WithJsonSchema({"type": "string", "format": "date-time", "description": "UTC, with ms"})
]
Money = Annotated[
    Decimal, WithJsonSchema({"type": "number", "description": "at most 6 decimals, exact"})
]
Count = Annotated[int, Field(ge=0)]
Verdict = Literal["ok", "slow", "stalled"]
"""How a partition moves: see `PartitionProgress`."""


def money(millionths: int) -> Decimal:
    """Give an amount in millionths as the decimal that `encode` writes digit by digit."""
    return Decimal(format_money(millionths))


@lru_cache(maxsize=4096)
def _minute(number: int) -> str:
    return iso(number * 60_000).removesuffix("00.000Z")


def instant(ms: int) -> str:
    """Give a time in ms as it is answered: `models.times.iso`, its minutes remembered."""
    minute, rest = divmod(ms, 60_000)
    return f"{_minute(minute)}{rest // 1000:02d}.{rest % 1000:03d}Z"


class Answer(BaseModel):
    """Any body of an answer."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class UserAnswer(Answer):
    """What every answer about one user carries.

    `as_of`: the computation's stream time in the user's partition, null before the first record.
    `offsets`: next source offset by topic: records below it are shown, those from it on are not.
    """

    user_id: str
    partition: Count
    as_of: Instant | None
    offsets: dict[str, Count]


class ClickItem(Answer):
    """A page that the user saw."""

    page: str
    timestamp: Instant


class RecentClicks(UserAnswer):
    """All clicks of the last ten minutes before `as_of`, oldest first."""

    clicks: list[ClickItem]


class CountedWindow(Answer):
    """A window with the number of events in it; `end` is exclusive."""

    start: Instant
    end: Instant
    count: Count
    closed: bool


class WindowCounts(UserAnswer):
    """A user's windows, oldest first."""

    windows: list[CountedWindow]


class MovingAverage(UserAnswer):
    """The mean of the values in the 10 minutes up to the user's latest event, both ends included.

    Nulls and 0 where there is none.
    """

    average: float | None
    count: Count
    start: Instant | None
    end: Instant | None


class SessionItem(Answer):
    """A session: its first and its last event, and how many events it has."""

    start: Instant
    end: Instant
    count: Count
    closed: bool


class UserSessions(UserAnswer):
    """A user's sessions, oldest first."""

    sessions: list[SessionItem]


class Totals(Answer):
    """User events per action, purchases and their revenue, since ever."""

    actions: dict[str, Count]
    purchases: Count
    revenue: Money


class UserTotals(UserAnswer, Totals):
    """A user's totals."""


class PurchaseItem(Answer):
    """A purchase with the pages that its user saw in the ten minutes before, oldest first."""

    user_id: str
    product_id: str
    amount: Money
    recent_pages: list[str]
    timestamp: Instant


class EnrichedPurchases(UserAnswer):
    """A user's purchases, newest first."""

    purchases: list[PurchaseItem]


class Overall(Answer):
    """What every answer over all partitions carries.

    `complete` is false where a worker did not answer in time; `missing`: its partitions.
    """

    complete: bool
    missing: list[Count]


class AllTotals(Overall, Totals):
    """The totals of all users."""


class RevenueWindow(Answer):
    """A window's revenue over all users; `end` is exclusive."""

    start: Instant
    end: Instant
    revenue: Money
    purchases: Count
    closed: bool


class RevenuePage(Overall):
    """Windows, newest first. `next`: the cursor of the following page, null at the end."""

    windows: list[RevenueWindow]
    next: str | None


class Alive(Answer):
    """The event loop answers."""

    alive: bool = True


class Restoring(Answer):
    """How far a partition's restoring is: offsets in the changelog."""

    partition: Count
    position: int
    end: int


class PartitionProgress(Answer):
    """How a partition moves, in seconds and records.

    `stalled`: records wait, and nothing has been committed for the setting `stalled_after`;
    `slow`: it commits, but the first record that waits has waited for longer than that.
    `lag_seconds`: how long; `still_seconds`: how long records have waited without a commit.
    """

    partition: Count
    state: Verdict
    lag_records: Count
    lag_seconds: float
    still_seconds: float


class Readiness(Answer):
    """Whether the worker has joined and recovered all that is assigned to it.

    `progress` and `warnings` do not make it unready. Without an API key, where one is needed,
    all but `ready` and `reasons` is null.
    """

    ready: bool
    reasons: list[str]
    assigned: list[Count] | None = None
    restoring: list[Restoring] | None = None
    progress: list[PartitionProgress] | None = None
    warnings: list[str] | None = None


class Problem(Answer):
    """An error (RFC 9457, `application/problem+json`). `parameter`: the one that is wrong."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str
    parameter: str | None = None
    readiness: Readiness | None = None
