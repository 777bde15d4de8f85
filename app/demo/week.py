"""The sample in `sample/`: one week of a real shop, and its last hours as they arrive again."""

import gzip
import heapq
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, NamedTuple

import msgspec

from models.topics import CLICKS, PURCHASES, Topic

FOLDER: Final = Path(__file__).with_name("sample")
FILES: Final = (FOLDER / "clicks.ndjson.gz", FOLDER / "purchases.ndjson.gz")
_TOPICS: Final = (CLICKS, PURCHASES)
_LIVE_SECONDS: Final = 6 * 3600
_USERS_SHOWN: Final = 3


class _Line(msgspec.Struct):
    user_id: str
    timestamp: float
    amount: float | None = None


_decode = msgspec.json.Decoder(_Line).decode


class SampleEvent(NamedTuple):
    """A line of the sample: `time` in seconds since the epoch, `priced`: it has an amount."""

    time: float
    topic: Topic
    user_id: str
    priced: bool
    value: bytes


@dataclass
class Shopper:
    """A user of the last hours who bought something."""

    user_id: str
    clicks: int = 0
    purchases: int = 0


@dataclass(frozen=True)
class Week:
    """`last_ms`: the last event's time. `live`: the last hours, from the first of `shoppers` on.

    `shoppers`: users worth looking up, in the order in which they appear in `live`.
    """

    last_ms: int
    live: list[SampleEvent] = field(repr=False)
    shoppers: list[Shopper]


def read_week() -> Week:
    """Read the sample's last hours."""
    ends = [_read(path)[-1:] for path in FILES]
    last = max(_decode(line).timestamp for lines in ends for line in lines)
    files = [
        list(_since(path, topic, last - _LIVE_SECONDS))
        for path, topic in zip(FILES, _TOPICS, strict=True)
    ]
    events = list(heapq.merge(*files, key=lambda event: event.time))
    shoppers = _shoppers(events)
    first = next(i for i, event in enumerate(events) if event.user_id == shoppers[0].user_id)
    return Week(round(last * 1000), events[first:], shoppers[:_USERS_SHOWN])


def _read(path: Path) -> list[bytes]:
    return gzip.decompress(path.read_bytes()).splitlines()


def _since(path: Path, topic: Topic, start: float) -> Iterator[SampleEvent]:
    """Give the lines from `start` on, oldest first; the files are in the order of time."""
    found = []
    for value in reversed(_read(path)):
        line = _decode(value)
        if line.timestamp < start:
            break
        priced = line.amount is not None
        found.append(SampleEvent(line.timestamp, topic, line.user_id, priced, value))
    return reversed(found)


def _shoppers(events: list[SampleEvent]) -> list[Shopper]:
    """Give those who clicked and bought, in the order of their first event."""
    found: dict[str, Shopper] = {}
    for event in events:
        shopper = found.setdefault(event.user_id, Shopper(event.user_id))
        shopper.clicks += event.topic is CLICKS
        shopper.purchases += event.priced
    return [shopper for shopper in found.values() if shopper.clicks and shopper.purchases]
