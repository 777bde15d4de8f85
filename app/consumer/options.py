"""What a `ManualConsumer` can be told, checked together before anything is connected."""

from dataclasses import dataclass
from typing import Final, Literal

from app.errors import SettingError

_AT_LEAST_ONE: Final = (
    "max_poll_records", "commit_records", "attempts", "concurrency",
)  # fmt: skip
_POSITIVE: Final = (
    "session_timeout", "heartbeat_interval", "max_poll_interval", "commit_seconds",
    "timeout", "backoff", "max_backoff",
)  # fmt: skip


@dataclass(frozen=True, kw_only=True, slots=True)
class ConsumerOptions:
    """Durations are seconds.

    `start_from`: where a group without offsets starts, once. `max_poll_records`: handed over at a
    time. A commit is due `commit_records` finished records or `commit_seconds` after the last one,
    whichever is first. `session_timeout`: after which the group gives a silent member's partitions
    away; `max_poll_interval`: the same for a member that asks for no records. A failing record is
    tried `attempts` times, with pauses from `backoff`, doubled each time, up to `max_backoff`;
    then it goes to `dead_letter_topic`, or ends `run` where there is none. `concurrency`: handlers
    at a time; above 1 records of a partition may be handled out of order. `timeout`: for
    connecting, a commit, a dead letter.
    """

    start_from: Literal["earliest", "latest"] = "earliest"
    max_poll_records: int = 500
    commit_records: int = 500
    commit_seconds: float = 5.0
    session_timeout: float = 10.0
    heartbeat_interval: float = 3.0
    max_poll_interval: float = 300.0
    attempts: int = 3
    backoff: float = 0.1
    max_backoff: float = 5.0
    dead_letter_topic: str | None = None
    concurrency: int = 1
    timeout: float = 10.0

    def __post_init__(self) -> None:
        """Raise SettingError, naming the first option that makes no sense."""
        if self.start_from not in ("earliest", "latest"):
            raise SettingError(f"start_from {self.start_from}: must be earliest or latest")
        for name in _AT_LEAST_ONE:
            if getattr(self, name) < 1:
                raise SettingError(f"{name} {getattr(self, name)}: must be 1 or more")
        for name in _POSITIVE:
            if not 0 < getattr(self, name) < float("inf"):
                raise SettingError(f"{name} {getattr(self, name)}: must be seconds above 0")
        if self.heartbeat_interval * 2 > self.session_timeout:
            raise SettingError(
                f"heartbeat_interval {self.heartbeat_interval:g} s must be at most half of "
                f"session_timeout {self.session_timeout:g} s, so that one lost heartbeat does not "
                "end the membership"
            )
        if self.max_poll_interval < self.session_timeout:
            raise SettingError(
                f"max_poll_interval {self.max_poll_interval:g} s must be at least session_timeout "
                f"{self.session_timeout:g} s"
            )
        if self.max_backoff < self.backoff:
            raise SettingError(
                f"max_backoff {self.max_backoff:g} s must be at least backoff {self.backoff:g} s"
            )

    def pause(self, attempt: int) -> float:
        """Seconds to wait after this failed attempt, counted from 1."""
        return min(self.max_backoff, self.backoff * 2.0 ** min(attempt - 1, 60))
