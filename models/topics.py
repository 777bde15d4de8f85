"""THE catalogue: every topic that the service reads or writes (contract, section 2).

Topic creation, the topology, checks at start and the documents come from here.
"""

from collections.abc import Collection, Mapping
from enum import StrEnum

from msgspec import Struct

from models.events import Click, Purchase, UserEvent
from models.topic_configs import LONG_MAX, STAMP_LIMITS_OF_4, partials_config

COMPUTATIONS = (
    "enrichment",
    "event-counts",
    "moving-average",
    "hopping-counts",
    "sessions",
    "revenue",
)
"""Computations that a record can be late for: the values of the header `late.for`."""

HEADERS_ALLOWANCE = 64 * 1024
"""What a dead letter or late event may be larger than its source, for the headers added."""


class Direction(StrEnum):
    """Who writes a topic and who reads it."""

    INPUT = "in"
    OUTPUT = "out"
    INTERNAL = "internal"


class Partitioning(StrEnum):
    """How the partition of a record is chosen."""

    BY_KEY = "murmur2 of the key"
    AS_SOURCE = "the partition number of the source"


class Topic(Struct, frozen=True):
    """One topic. `id` is its default name, and the name of its setting in hyphens.

    `key` and `value` describe the bytes for people. `model` is the event that `models.codec`
    decodes its records into, for inputs alone. `event_time`: its Kafka timestamps are event times,
    which may lie any time in the past. `holds_sources`: its values are those of inputs' records.
    `supersedes`: a record stands for all earlier ones of its key, so that compaction loses nothing.
    """

    id: str
    direction: Direction
    key: str
    value: str
    partitioning: Partitioning = Partitioning.BY_KEY
    model: type[Click] | type[Purchase] | type[UserEvent] | None = None
    event_time: bool = False
    holds_sources: bool = False
    supersedes: bool = False

    @property
    def setting(self) -> str:
        """Name of the setting that renames it: `topic_event_counts_per_5min`."""
        return "topic_" + self.id.replace("-", "_")


_IN, _OUT = Direction.INPUT, Direction.OUTPUT
_AS_SOURCE = Partitioning.AS_SOURCE

CLICKS = Topic("clicks", _IN, "user_id", "user_id, page, timestamp", model=Click)
PURCHASES = Topic(
    "purchases", _IN, "user_id", "user_id, product_id, amount, timestamp", model=Purchase
)
USER_EVENTS = Topic(
    "user-events",
    _IN,
    "user_id",
    "user_id, action, timestamp; optional value, page, session_id",
    model=UserEvent,
)
ENRICHED_PURCHASES = Topic(
    "enriched-purchases",
    _OUT,
    "user_id",
    "user_id, product_id, amount, recent_pages",
    _AS_SOURCE,
    event_time=True,
)
EVENT_COUNTS = Topic(
    "event-counts-per-5min",
    _OUT,
    "{user_id}@{window start}",
    "the count, a JSON integer",
    event_time=True,
    supersedes=True,
)
MOVING_AVERAGES = Topic(
    "moving-averages",
    _OUT,
    "user_id",
    "user_id, window_start, window_end, count, average",
    _AS_SOURCE,
    event_time=True,
)
USER_SESSIONS = Topic(
    "user-sessions", _OUT, "user_id", "user_id, start, end, count", _AS_SOURCE, event_time=True
)
REVENUE = Topic(
    "revenue-per-5min",
    _OUT,
    "window start",
    "window_start, window_end, revenue, purchases",
    event_time=True,
    supersedes=True,
)
LATE_EVENTS = Topic(
    "late-events",
    _OUT,
    "as the source",
    "the source record's value, unchanged",
    _AS_SOURCE,
    event_time=True,
    holds_sources=True,
)
DEAD_LETTERS = Topic(
    "dead-letters",
    _OUT,
    "as the source",
    "the source record's value, unchanged",
    _AS_SOURCE,
    holds_sources=True,
)
REVENUE_PARTIALS = Topic(
    "revenue-partials",
    Direction.INTERNAL,
    "window start",
    "a partition's absolute partial sum, or its stream time",
)

TOPICS = (
    CLICKS,
    PURCHASES,
    USER_EVENTS,
    ENRICHED_PURCHASES,
    EVENT_COUNTS,
    MOVING_AVERAGES,
    USER_SESSIONS,
    REVENUE,
    LATE_EVENTS,
    DEAD_LETTERS,
    REVENUE_PARTIALS,
)


class Catalogue:
    """Names and configurations of all topics; every topic has the same number of partitions.

    `app_id`: prefix of the internal topic. `names`: actual names by topic id, defaults for the
    rest. `topic_retention_ms`: None keeps inputs and outputs.
    Raises ValueError on an unknown id, or on two topics of one name.
    """

    def __init__(
        self,
        app_id: str,
        names: Mapping[str, str] | None = None,
        topic_retention_ms: int | None = None,
    ) -> None:
        """See the class."""
        self.topic_retention_ms = topic_retention_ms
        given = dict(names or {})
        renamable = {topic.id for topic in TOPICS if topic.direction is not Direction.INTERNAL}
        for topic_id in given.keys() - renamable:
            raise ValueError(
                f"no topic {topic_id!r} to rename: one of {', '.join(sorted(renamable))}"
            )
        self._names = {topic.id: given.get(topic.id, topic.id) for topic in TOPICS}
        self._names[REVENUE_PARTIALS.id] = f"{app_id}-{REVENUE_PARTIALS.id}"
        self._topics = {self._names[topic.id]: topic for topic in TOPICS}
        if len(self._topics) != len(TOPICS):
            doubled = sorted(n for n in self._topics if list(self._names.values()).count(n) > 1)
            raise ValueError(f"two topics have the name {doubled[0]!r}: give each its own")

    def name(self, topic: Topic) -> str:
        """The topic's actual name."""
        return self._names[topic.id]

    def topic(self, name: str) -> Topic:
        """The topic of an actual name; KeyError if it is none of ours."""
        return self._topics[name]

    def names(self, *directions: Direction) -> list[str]:
        """Actual names in the catalogue's order, of these directions or of all."""
        wanted = directions or tuple(Direction)
        return [name for name, topic in self._topics.items() if topic.direction in wanted]

    def topic_configs(
        self,
        topic: Topic,
        largest_input: int | None = None,
        stamp_limits: Collection[str] = STAMP_LIMITS_OF_4,
    ) -> dict[str, str]:
        """Configuration that `topics create` gives it (contract, section 2, "Topic settings").

        `largest_input`: the inputs' largest `max.message.bytes`; without it, where a topic's own
        depends on that, it is left out. `stamp_limits`: those of `STAMP_LIMITS` that the brokers
        know.
        """
        if topic is REVENUE_PARTIALS:
            return partials_config()
        retention = self.topic_retention_ms
        configs = {
            "cleanup.policy": "delete",
            "retention.ms": str(-1 if retention is None else retention),
            "retention.bytes": "-1",
            **dict.fromkeys(stamp_limits, LONG_MAX),
        }
        if topic.direction is Direction.INPUT:
            configs["message.timestamp.type"] = "LogAppendTime"
        if topic.event_time:
            configs["message.timestamp.type"] = "CreateTime"
        if topic.holds_sources and largest_input is not None:
            configs["max.message.bytes"] = str(largest_input + HEADERS_ALLOWANCE)
        return configs
