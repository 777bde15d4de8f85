"""The timelines of docs/windows.md: read from the page, and told by the service's own folds."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from models.times import parse_duration
from tables.count_rows import CountTables
from tables.moving_average import Averaged, MovingAverage
from tables.rules import DAY, Rules
from tables.series import SeriesReader
from tables.series_rows import HEADS, PARTS
from tables.sessions import OPEN, OpenSession, Sessions
from tables.window_counts import WindowCounts
from tables.windows import Aligned, Hopping, Tumbling
from tests.tables.making import Stored

PAGE = Path(__file__).resolve().parents[2] / "docs" / "windows.md"
MIDNIGHT = 1_471_824_000_000
"""2016-08-22 00:00 UTC: what clock times on the page are of."""
TABLES = CountTables.of("timeline", b"x", b"X", b"Y")
Tell = Callable[[int, int], list[str]]
"""(event time in ms, value in millionths) -> the further cells of its row."""


@dataclass
class Timeline:
    """One table: its heading, its settings as text, its rows as cells."""

    kind: str
    settings: dict[str, str]
    rows: list[list[str]]

    def ms(self, name: str) -> int:
        return parse_duration(self.settings[name])

    @property
    def rules(self) -> Rules:
        return Rules(grace=self.ms("grace"))


def timelines() -> Iterator[Timeline]:
    """Every table below a line `Timeline of KIND: name value, name value.`"""
    found: Timeline | None = None
    for line in PAGE.read_text(encoding="utf-8").splitlines():
        match = re.fullmatch(r"Timeline of (\w+) windows: (.+)\.", line)
        if match:
            pairs = (part.split(" ") for part in match[2].split(", "))
            found = Timeline(match[1], {name: value for name, value in pairs}, [])  # noqa: C416
        elif found and line.startswith("|"):
            cells = [cell.strip() for cell in line.strip("|").split("|")]
            if re.match(r"\d\d:\d\d", cells[0]):
                found.rows.append(cells)
        elif found and found.rows:
            yield found
            found = None


def of_clock(text: str) -> int:
    hours, minutes, seconds = text.split(":")
    return MIDNIGHT + int(hours) * 3_600_000 + int(minutes) * 60_000 + round(float(seconds) * 1000)


def clock(ms: int) -> str:
    minutes, rest = divmod(ms % DAY, 60_000)
    seconds = f"{rest // 1000:02d}" + (f".{rest % 1000:03d}" if rest % 1000 else "")
    return f"{minutes // 60:02d}:{minutes % 60:02d}:{seconds}"


def listed(texts: list[str]) -> str:
    return ", ".join(texts) or "-"


def counted(line: Timeline, windows: Aligned) -> Tell:
    """Cells: stream time, windows that the event counts in, windows that close."""
    stored, closed = Stored(), list[str]()

    def close(user: str, start: int, count: int) -> None:
        closed.append(f"{clock(start)} with {count}")

    fold = WindowCounts(stored, TABLES, windows, line.rules, on_close=close)

    def tell(time: int, value: int) -> list[str]:
        starts = windows.starts(time)
        before = {start: fold.count("u", start) for start in starts}
        late = fold.add("u", time)
        grown = [clock(s) for s in starts if fold.count("u", s) > before[s]]
        closed.clear()
        fold.sweep()
        now = stored.stream_time(TABLES.name).value
        return [clock(now), "late" if late else listed(grown), listed(closed)]

    return tell


def averaged(line: Timeline) -> Tell:
    """Cells: stream time, the open windows by their ends, windows that close."""
    stored, closed = Stored(), list[str]()

    def close(user: str, window: Averaged) -> None:
        mean = window.sum / window.values / 1_000_000
        closed.append(f"{clock(window.start)} to {clock(window.end)}: {mean:g} of {window.values}")

    rules = Rules(grace=line.ms("grace"), average_size=line.ms("size"))
    fold = MovingAverage(stored, rules, close)

    def tell(time: int, value: int) -> list[str]:
        late = fold.add("u", time, value)
        closed.clear()
        fold.sweep()
        head = HEADS.of(stored).get("u")
        assert head is not None
        series = SeriesReader("u", head, stored.rows(PARTS))
        ends = series.windows(rules.average_size, head.closed, 2**60)
        now = stored.stream_time("moving-average").value
        opened = listed([f"{clock(end)} has {total.values}" for end, total in ends])
        return [clock(now), "late" if late else opened, listed(closed)]

    return tell


def sessions(line: Timeline) -> Tell:
    """Cells: stream time, the open sessions, sessions that close."""
    stored, closed = Stored(), list[str]()

    def shown(session: OpenSession) -> str:
        return f"{clock(session.start)} to {clock(session.end)} with {session.events}"

    rules = Rules(grace=line.ms("grace"), session_gap=line.ms("gap"))
    fold = Sessions(stored, rules, lambda user, session: closed.append(shown(session)))

    def tell(time: int, value: int) -> list[str]:
        late = fold.add("u", time)
        closed.clear()
        fold.sweep()
        row = OPEN.of(stored).get("u")
        now = stored.stream_time("sessions").value
        opened = listed([shown(session) for session in row.sessions] if row else [])
        return [clock(now), "late" if late else opened, listed(closed)]

    return tell


def told_by(line: Timeline) -> Tell:
    match line.kind:
        case "tumbling":
            return counted(line, Tumbling(line.ms("size")))
        case "hopping":
            return counted(line, Hopping(line.ms("size"), line.ms("step")))
        case "sliding":
            return averaged(line)
        case "session":
            return sessions(line)
    raise ValueError(line.kind)


def retold(line: Timeline) -> list[list[str]]:
    """The rows as they must be: events from the page, the rest from the folds."""
    tell = told_by(line)
    rows = []
    for cells in line.rows:
        given = 2 if line.kind == "sliding" else 1
        value = int(cells[1]) * 1_000_000 if given == 2 else 0
        rows.append([*cells[:given], *tell(of_clock(cells[0]), value)])
    return rows
