"""What goes into the model and what comes out of it: plain records and the settings."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

CLICKS = "clicks"
PURCHASES = "purchases"
USER_EVENTS = "user-events"
INPUTS = (CLICKS, PURCHASES, USER_EVENTS)

ENRICHED = "enriched-purchases"
COUNTS = "event-counts-per-5min"
AVERAGES = "moving-averages"
SESSIONS = "user-sessions"
REVENUE = "revenue-per-5min"
LATE = "late-events"
DEAD = "dead-letters"
OUTPUTS = (ENRICHED, COUNTS, AVERAGES, SESSIONS, REVENUE, LATE, DEAD)

MINUTE = 60_000
Position = tuple[str, int, int]
"""(input topic, partition, offset)."""


@dataclass(frozen=True, slots=True)
class Record:
    """One Kafka record, read or expected. `timestamp` in milliseconds; headers in their order."""

    topic: str
    partition: int
    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...] = ()

    @property
    def position(self) -> Position:
        return self.topic, self.partition, self.offset

    def header(self, name: str) -> str | None:
        """The header's text; None where it is absent. Of duplicates the last counts."""
        found = [value for key, value in self.headers if key == name]
        return found[-1].decode() if found else None

    @classmethod
    def of(cls, source: Any) -> "Record":  # noqa: ANN401 - any client's record
        """From a client's record with the usual attributes (aiokafka's ConsumerRecord has them)."""
        return cls(
            topic=source.topic,
            partition=source.partition,
            offset=source.offset,
            timestamp=source.timestamp,
            key=source.key,
            value=source.value,
            headers=tuple((name, bytes(value or b"")) for name, value in source.headers or ()),
        )


@dataclass(frozen=True)
class Settings:
    """The contract's settings; all times in milliseconds."""

    partitions: int = 8
    join_wait: int = 1_000
    grace: int = MINUTE
    max_future: int = MINUTE
    retention: int = 60 * MINUTE
    revenue_retention: int = 7 * 24 * 60 * MINUTE
    join_window: int = 10 * MINUTE
    max_pages: int = 50
    tumbling: int = 5 * MINUTE
    hopping_size: int = 10 * MINUTE
    hopping_step: int = 2 * MINUTE
    average_window: int = 10 * MINUTE
    session_gap: int = 30 * MINUTE
    nesting: int = 1_000
    """Values nested so deep or deeper are not valid; the contract leaves 101 to 999 free."""
    dead_letter_bytes: int = 1_048_588 + 65_536
    """Values larger than this may be null in `dead-letters`."""
    names: dict[str, str] = field(default_factory=dict)
    """Topic names that differ from the contract's: {contract's name: name on the broker}."""

    def role(self, topic: str) -> str:
        """The contract's name of a topic on the broker."""
        for role, name in self.names.items():
            if name == topic:
                return role
        return topic


def by_partition(records: Iterable[Record], topic: str) -> dict[int, list[Record]]:
    """The topic's records per partition, in offset order."""
    queues: dict[int, list[Record]] = {}
    for record in records:
        if record.topic == topic:
            queues.setdefault(record.partition, []).append(record)
    for queue in queues.values():
        queue.sort(key=lambda record: record.offset)
    return queues


def committed_only(
    records: Iterable[Record], committed: dict[tuple[str, int], int]
) -> list[Record]:
    """The records below the group's committed offsets {(topic, partition): next offset}."""
    return [r for r in records if r.offset < committed.get((r.topic, r.partition), 0)]
