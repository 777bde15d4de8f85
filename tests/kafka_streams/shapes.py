"""What is compared: events, windows and what became of them. All times are milliseconds."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple, Protocol

Kind = Literal["tumbling", "hopping", "sliding", "session"]
KINDS: tuple[Kind, ...] = ("tumbling", "hopping", "sliding", "session")
Store = Literal["long", "closing", "default"]

LONG = 10**13
"""A retention that no run outlives."""


class Event(NamedTuple):
    """One record of the partition; `value` in millionths, None where it has none."""

    user: str
    time: int
    value: int | None


class Window(NamedTuple):
    """`end` as its kind has it: exclusive, of a sliding window inclusive, of a session the last
    event."""

    user: str
    start: int
    end: int


class Content(NamedTuple):
    """How many events, and the sum of their values; None where an implementation has no sum."""

    events: int
    total: int | None


class Update(NamedTuple):
    """What a window holds after the event number `at`; None: it has gone into another."""

    at: int
    window: Window
    content: Content | None


@dataclass(frozen=True, slots=True)
class Shape:
    """The windows of one run. `size` of sessions is the gap, `step` matters to hopping only.

    `store` is how long Kafka Streams' store keeps windows. Sessions: "closing" for as long as they
    are open and not a millisecond more, "default" as Kafka Streams chooses by itself.
    """

    kind: Kind
    size: int
    step: int
    grace: int
    store: Store = "long"

    @property
    def retention(self) -> int:
        """What the store is told."""
        exact = {"default": 0, "closing": 1}
        return self.size + self.grace + exact[self.store] if self.store in exact else LONG

    @property
    def is_inclusive(self) -> bool:
        """Whether the last millisecond of a window is its end."""
        return self.kind in ("sliding", "session")

    def last_in_time(self, end: int) -> int:
        """The highest stream time at which a window with this `end` is open (contract 3)."""
        beyond = {"tumbling": -1, "hopping": -1, "sliding": 0, "session": self.size}
        return end + beyond[self.kind] + self.grace

    def takes(self, event: Event) -> bool:
        """Whether the computation takes the event at all: averages only those with a value."""
        return self.kind != "sliding" or event.value is not None


@dataclass(slots=True)
class KafkaRun:
    """What Kafka Streams did, in its order."""

    updates: list[Update] = field(default_factory=list)
    suppressed: list[Update] = field(default_factory=list)
    """What `suppress(untilWindowCloses)` let out."""
    closed: list[Update] = field(default_factory=list)
    """What `EmitStrategy.onWindowClose` emitted."""
    skipped: dict[int, int] = field(default_factory=dict)
    """By how much an event made the dropped-records metric grow."""
    stored: dict[Window, Content] = field(default_factory=dict)
    """The store at the end; not part of committed vectors."""


@dataclass(slots=True)
class Result:
    """What one of our implementations made of the events."""

    windows: dict[Window, Content]
    """Every window that was ever made, as it was last."""
    drops: frozenset[int]
    """The events that were too late for all their windows, by index."""
    closed: dict[Window, int] | None = None
    """The event with which a window closed, for those that did; None: the implementation has no
    such moment."""
    updates: list[Update] | None = None
    """Per event, each window that it changed; None: not known."""


class Implementation(Protocol):
    """One of ours: it gets the records of one partition in their order."""

    @property
    def name(self) -> str:
        """Names it in tests."""

    def run(self, shape: Shape, events: Sequence[Event]) -> Result:
        """Take all events."""
