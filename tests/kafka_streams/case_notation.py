"""How cases are written down.

Events: `a@5` is an event of user a at 5 ms with the value 1, `a@5=7` with the value 7, `a@5=-` with
none; a `!` behind it says that by the contract it is too late for everything.
Windows: `a[0,10)=2` holds two events, `a[0,10]=2/8` two with the sum 8; the bracket is the kind's.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from tests.kafka_streams.shapes import Content, Event, Shape, Window

_EVENT = re.compile(r"(\w+)@(\d+)(?:=(-?\d+|-))?(!?)")
_WINDOW = re.compile(r"(\w+)\[(-?\d+),(-?\d+)[)\]]=(\d+)(?:/(-?\d+))?")


@dataclass(frozen=True, slots=True)
class Case:
    """One case. `kafka` are Kafka Streams' windows where they differ, by the `rules`."""

    name: str
    tells: str
    shape: Shape
    told: str
    windows: str
    kafka: str = ""
    rules: tuple[str, ...] = ()

    @property
    def events(self) -> list[Event]:
        return [_event(match) for match in _matches(_EVENT, self.told)]

    @property
    def drops(self) -> frozenset[int]:
        """By the contract."""
        marks = [match[4] for match in _matches(_EVENT, self.told)]
        return frozenset(index for index, mark in enumerate(marks) if mark)


def parse_windows(text: str) -> dict[Window, Content]:
    """The windows of a text; sums are None where none is written."""
    return {
        Window(match[1], int(match[2]), int(match[3])): Content(
            int(match[4]), int(match[5]) if match[5] else None
        )
        for match in _matches(_WINDOW, text)
    }


def _event(match: re.Match[str]) -> Event:
    value = None if match[3] == "-" else int(match[3] or 1)
    return Event(match[1], int(match[2]), value)


def _matches(pattern: re.Pattern[str], text: str) -> Iterator[re.Match[str]]:
    for word in text.split():
        match = pattern.fullmatch(word)
        assert match, f"not understood: {word}"
        yield match
