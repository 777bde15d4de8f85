"""Recorded events from files, merged in the order of their times."""

import heapq
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import msgspec

from app.errors import SettingError
from app.producer.events import (
    NO_KEY,
    NOT_DECODABLE,
    decode_head,
    event_time_ms,
    why_not_event,
)
from app.producer.lines import TOO_LONG, DamagedFileError, check_readable, read_lines
from models.topics import CLICKS, PURCHASES, USER_EVENTS, Topic

_NAMED: Final = (
    (USER_EVENTS, ("user-events", "user_events", "events")),
    (PURCHASES, ("purchases",)),
    (CLICKS, ("clicks",)),
)

Entry = tuple[int, int, int, bytes, bytes, int | None, bool]
"""(time to order by in ms, file number, line number, key, value, event time in ms or None,
whether there is a timestamp)."""


@dataclass(frozen=True, slots=True)
class Source:
    """A file of events, and the input that they are for."""

    path: Path
    topic: Topic


@dataclass(slots=True)
class Reading:
    """What was met while reading: counts, and whom to tell.

    `on_problem` gets one line for each bad line, as FILE:LINE: reason, and each damaged file.
    """

    on_problem: Callable[[str], None] | None = None
    bad: int = 0
    damaged: list[str] = field(default_factory=list)
    read_bytes: dict[Path, int] = field(default_factory=dict)

    def position_of(self, path: Path) -> Callable[[int], None]:
        """Return what is to be told how far a file has been read."""

        def at(position: int) -> None:
            self.read_bytes[path] = position

        return at

    def bad_line(self, path: Path, number: int, reason: str) -> None:
        """Count a bad line and tell of it."""
        self.bad += 1
        self.report(f"{path}:{number}: {reason}")

    def report(self, line: str) -> None:
        """Tell of a problem."""
        if self.on_problem is not None:
            self.on_problem(line)


def topic_of(path: Path) -> Topic:
    """Infer the input from a file's name. Raises `SettingError` if it names none."""
    for topic, parts in _NAMED:
        if any(part in path.name.lower() for part in parts):
            return topic
    raise SettingError(
        f"cannot tell from its name what {path} holds; "
        "give --topic clicks, purchases or user-events"
    )


def open_sources(paths: Iterable[Path], topic: Topic | None = None) -> list[Source]:
    """Return the sources, of one topic or each as its name says.

    Raises `UserError` for a file that cannot be read, `SettingError` for a name that says nothing.
    """
    files = list(paths)
    for path in files:
        check_readable(path)
    return [Source(path, topic or topic_of(path)) for path in files]


def merged(
    sources: list[Source],
    reading: Reading,
    from_ms: int | None = None,
    until_ms: int | None = None,
) -> Iterator[Entry]:
    """Yield the files' events in the order of their times, each file's own order kept.

    An event without a usable time stands where the one before it in its file does. Only events
    in [from_ms, until_ms) are yielded. Bad lines and damaged files go to `reading`.
    """
    entries = [_entries(source, number, reading) for number, source in enumerate(sources)]
    chain = entries[0] if len(entries) == 1 else heapq.merge(*entries)
    if from_ms is None and until_ms is None:
        return chain
    first = 0 if from_ms is None else from_ms
    return (e for e in chain if first <= e[0] and (until_ms is None or e[0] < until_ms))


def _entries(source: Source, file_number: int, reading: Reading) -> Iterator[Entry]:
    path, order = source.path, 0
    try:
        for number, line in read_lines(path, reading.position_of(path)):
            if line is None:
                reading.bad_line(path, number, TOO_LONG)
                continue
            try:
                head = decode_head(line)
            except NOT_DECODABLE as error:
                if line.strip():
                    reading.bad_line(path, number, why_not_event(error))
                continue
            user_id, timestamp = head.user_id, head.timestamp
            if type(user_id) is not str:
                reading.bad_line(path, number, NO_KEY)
                continue
            if (time_ms := event_time_ms(timestamp)) is not None:
                order = time_ms
            stamped = timestamp is not msgspec.UNSET
            yield order, file_number, number, user_id.encode(), line, time_ms, stamped
    except DamagedFileError as error:
        reading.damaged.append(str(error))
        reading.report(str(error))
