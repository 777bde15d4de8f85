"""`docs/topics.md`: every topic of the catalogue, with an example by the code that writes it."""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from models.dead_letters import (
    ErrorType,
    Rejected,
    dead_letter_headers,
    late_headers,
)
from models.results import (
    enriched_purchase,
    event_count,
    event_count_key,
    moving_average,
    revenue,
    revenue_key,
    user_session,
)
from models.topic_configs import changelog_config
from models.topics import (
    COMPUTATIONS,
    HEADERS_ALLOWANCE,
    TOPICS,
    Catalogue,
    Direction,
    Topic,
)

START = 1_470_034_800_000
"""2016-08-01T07:00:00Z in ms: when the examples happen."""
_USER = b"ann"
_INTRODUCTION = """# Topics
Made from the catalogue (`models/topics.py`) and the code that writes the records, by
`make documents`; a test compares it.

`streamjoin topics create` creates all of them, each with the same number of partitions (8 unless
`partitions` says otherwise). Keys and values are UTF-8; values are JSON. Times are integer
milliseconds since the epoch; in the inputs' `timestamp` they are seconds with a fraction, or
milliseconds above 1e11. A setting renames a topic: `STREAMJOIN_TOPIC_CLICKS=shop.clicks`.

A worker and `streamjoin check` refuse a written topic that would lose what is written: one that is
compacted although a record does not stand for the earlier ones of its key, that keeps records for
less than `topic_retention` or up to a size, that refuses old times, or replaces event times
(`LogAppendTime`); and a changelog that is not compacted, or not only. They warn where dead letters
or late events may not be as large as the inputs' records and 64 KiB more.
"""
_TITLES = {
    Direction.INPUT: "Read",
    Direction.OUTPUT: "Written",
    Direction.INTERNAL: "Internal",
}
_STAMPS = {
    True: "event time: the source's, a window's last millisecond, a session's last event",
    False: "the time of writing",
}


class Example(NamedTuple):
    """A record of a topic."""

    key: bytes
    value: bytes
    headers: tuple[tuple[str, bytes], ...] = ()


class _Source(NamedTuple):
    """A `models.records.Record`."""

    topic: str
    offset: int
    value: bytes
    partition: int = 3
    timestamp: int = START + 1_000
    key: bytes = _USER
    headers: tuple[tuple[str, bytes], ...] = ()


_LATE = b'{"user_id":"ann","action":"view","timestamp":1470034700}'
_DEAD = b'{"user_id":"ann","product_id":"lamp","amount":"12.5","timestamp":1470034800}'


def _rejected() -> Rejected:
    source = _Source("purchases", 18, _DEAD)
    return Rejected(ErrorType.WRONG_TYPE, "amount must be a number", source)


EXAMPLES: Mapping[str, Example] = {
    "clicks": Example(_USER, b'{"user_id":"ann","page":"/lamps","timestamp":1470034795.25}'),
    "purchases": Example(
        _USER, b'{"user_id":"ann","product_id":"lamp","amount":12.5,"timestamp":1470034800}'
    ),
    "user-events": Example(
        _USER, b'{"user_id":"ann","action":"view","timestamp":1470034800,"value":2.5,"page":"/"}'
    ),
    "enriched-purchases": Example(
        _USER,
        enriched_purchase("ann", "lamp", 12_500_000, ["/lamps"]),
        (
            ("source.topic", b"purchases"),
            ("source.partition", b"3"),
            ("source.offset", b"17"),
            ("clicks.offset", b"41"),
        ),
    ),
    "event-counts-per-5min": Example(event_count_key("ann", START), event_count(7)),
    "moving-averages": Example(_USER, moving_average("ann", START - 600_000, START, 2, 5_000_000)),
    "user-sessions": Example(_USER, user_session("ann", START, START + 90_000, 4)),
    "revenue-per-5min": Example(
        revenue_key(START), revenue(START, START + 300_000, 912_490_001, 3)
    ),
    "late-events": Example(
        _USER,
        _LATE,
        tuple(
            late_headers(_Source("user-events", 9, _LATE), "event-counts", 130_000, START + 30_000)
        ),
    ),
    "dead-letters": Example(
        _USER,
        _DEAD,
        tuple(dead_letter_headers(_rejected(), START + 2_000)),
    ),
}
"""A record of each topic that is read or written, by the topic's id."""


def topics_document() -> str:
    """Give the page."""
    return "\n".join(_lines(Catalogue("stream-joins")))


def _lines(catalogue: Catalogue) -> Iterator[str]:
    yield _INTRODUCTION
    for direction in Direction:
        yield f"## {_TITLES[direction]}"
        for topic in TOPICS:
            if topic.direction is direction:
                yield from _topic(catalogue, topic)
    yield from _state()


def _topic(catalogue: Catalogue, topic: Topic) -> Iterator[str]:
    yield f"### {catalogue.name(topic)}"
    yield "| | |"
    yield "|---|---|"
    yield f"| key | {topic.key} |"
    yield f"| value | {topic.value} |"
    yield f"| partition | {topic.partitioning} |"
    if topic.direction is Direction.OUTPUT:
        yield f"| Kafka timestamp | {_STAMPS[topic.event_time]} |"
    if topic.direction is not Direction.INTERNAL:
        yield f"| renamed by | `STREAMJOIN_{topic.setting.upper()}` |"
    yield f"| settings | {_configs(catalogue.topic_configs(topic))}{_size(topic)} |"
    yield ""
    example = EXAMPLES.get(topic.id)
    if example is not None:
        yield from _example(example)


def _configs(configs: Mapping[str, str]) -> str:
    return "<br>".join(f"`{name}={value}`" for name, value in configs.items())


def _size(topic: Topic) -> str:
    text = f"<br>`max.message.bytes`: the largest of the inputs', and {HEADERS_ALLOWANCE:,} more"
    return text if topic.holds_sources else ""


def _example(example: Example) -> Iterator[str]:
    yield f"    {example.key.decode()}  {example.value.decode()}"
    yield from (f"    {name}: {value.decode()}" for name, value in example.headers)
    yield ""


def _state() -> Iterator[str]:
    yield "### stream-joins-state-changelog"
    yield "The tables' rows, one record a changed row and commit; made by the first worker."
    yield ""
    yield "| | |"
    yield "|---|---|"
    yield f"| settings | {_configs(changelog_config())} |"
    yield ""
    yield "## Values of headers"
    yield f"- `error.type`: {', '.join(f'`{one}`' for one in ErrorType)}"
    yield f"- `late.for`: {', '.join(f'`{one}`' for one in COMPUTATIONS)}"
    yield "- A value that the broker refuses in `dead-letters` is replaced by null; `value.size`"
    yield "  (bytes) and `value.sha256` stand for it."
    yield ""
