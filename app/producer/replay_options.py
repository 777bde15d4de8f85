"""What a replay is asked for, and what it answers."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from models.topics import Topic


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayOptions:
    """How to replay.

    `topic`: the input that all files are for, else each file's name says it. `names`: topic names
    by the catalogue's id, where they differ. `speed`: events' seconds in a second, 0 for as fast as
    possible. `shift_to_now`: move all events so that the last one ends now (see `shift_to`);
    `shift_ms`: move them by so much. `mirror_user_events`: send clicks and priced purchases as user
    events too. `limit`: so many events at most, mirrored ones not counted. `from_ms`, `until_ms`:
    only events with times in [from_ms, until_ms), before they are moved. `max_future_ms`: the
    service's setting, for what it will refuse.
    """

    topic: Topic | None = None
    names: Mapping[str, str] = field(default_factory=dict)
    speed: float = 0.0
    shift_to_now: bool = False
    shift_ms: int = 0
    mirror_user_events: bool = False
    limit: int | None = None
    from_ms: int | None = None
    until_ms: int | None = None
    max_future_ms: int = 60_000


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a replay has come: records put, bad lines, seconds, share of the files read."""

    records: int
    bad: int
    seconds: float
    share: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayResult:
    """What a replay did.

    `sent`: acknowledged records by topic name, mirrored ones included. `bad`: lines that could not
    be sent, or were sent without their user event. `refused`: of the records sent, those that will
    be dead letters, by reason. `damaged`: a line for each file that broke off.
    `first_ms`, `last_ms`: the range of event times sent, as moved by `shift_ms`; None where nothing
    had a time.
    """

    sent: dict[str, int]
    bad: int
    refused: Mapping[str, int]
    damaged: tuple[str, ...]
    seconds: float
    shift_ms: int
    first_ms: int | None
    last_ms: int | None

    @property
    def total(self) -> int:
        """All records sent."""
        return sum(self.sent.values())

    @property
    def rate(self) -> float:
        """Records a second."""
        return self.total / self.seconds if self.seconds else 0.0
