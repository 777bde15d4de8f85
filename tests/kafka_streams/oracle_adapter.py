"""The independent model (tests/oracle) as an implementation."""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from heapq import heappop, heappush

from tests.kafka_streams.shapes import Content, Event, Result, Shape, Update, Window
from tests.oracle import validate
from tests.oracle.moving_average import MovingAverages
from tests.oracle.records import USER_EVENTS, Record, Settings
from tests.oracle.results import HOPPING_COUNTS, Ledger
from tests.oracle.sessions import Sessions
from tests.oracle.windows import Shape as AlignedShape
from tests.oracle.windows import Windows, starts_containing


@dataclass(slots=True)
class Follower:
    """Notes what each event changed, and which windows closed with it."""

    near: Callable[[Event], dict[Window, Content]]
    """The windows that an event might change, with their contents now."""
    is_closed: Callable[[Window], bool]
    updates: list[Update] = field(default_factory=list)
    closed: dict[Window, int] = field(default_factory=dict)
    windows: dict[Window, Content] = field(default_factory=dict)
    _open: list[tuple[int, Window]] = field(default_factory=list)

    def take(self, index: int, event: Event, take: Callable[[], None]) -> None:
        before = self.near(event)
        take()
        after = self.near(event)
        for window in before.keys() - after.keys():
            self.updates.append(Update(index, window, None))
            del self.windows[window]
        for window, content in after.items():
            if before.get(window) != content:
                self.updates.append(Update(index, window, content))
                self.windows[window] = content
            if window not in before:
                heappush(self._open, (window.end, window))
        while self._open and self.is_closed(self._open[0][1]):
            window = heappop(self._open)[1]
            if window in self.windows:
                self.closed[window] = index


def _settings(shape: Shape) -> Settings:
    return Settings(
        grace=shape.grace,
        hopping_size=shape.size,
        hopping_step=shape.step,
        average_window=shape.size,
        session_gap=shape.size,
    )


class Oracle:
    """See tests/oracle/README.md."""

    name = "model"

    def run(self, shape: Shape, events: Sequence[Event]) -> Result:
        ledger = Ledger()
        take, follower = _MAKERS[shape.kind](shape, ledger)
        drops = set()
        for index, event in enumerate(events):
            record = Record(USER_EVENTS, 0, index, event.time, None, None)
            read = validate.Event(record, event.time, event.user, "view", event.value)
            late = len(ledger.late)
            follower.take(index, event, lambda read=read: take(read))  # type: ignore[misc]
            if len(ledger.late) > late:
                drops.add(index)
        return Result(follower.windows, frozenset(drops), follower.closed, follower.updates)


Maker = Callable[[Shape, Ledger], tuple[Callable[[validate.Event], None], Follower]]


def _aligned(shape: Shape, ledger: Ledger) -> tuple[Callable[[validate.Event], None], Follower]:
    model = Windows(AlignedShape(HOPPING_COUNTS, shape.size, shape.step), _settings(shape), ledger)

    def near(event: Event) -> dict[Window, Content]:
        found = {}
        for start in starts_containing(event.time, shape.size, shape.step):
            if cell := model.cells.get((event.user, start)):
                window = Window(event.user, start, start + shape.size)
                found[window] = Content(cell.count, cell.micro)
        return found

    return model.take, Follower(near, lambda window: model.closed(window.start))


def _sliding(shape: Shape, ledger: Ledger) -> tuple[Callable[[validate.Event], None], Follower]:
    model = MovingAverages(_settings(shape), ledger)

    def near(event: Event) -> dict[Window, Content]:
        user = model.users.get(event.user)
        if user is None:
            return {}
        first = bisect_left(user.ends, event.time)
        last = bisect_right(user.ends, event.time + shape.size)
        found = {end: user.windows[end] for end in user.ends[first:last]}
        return {
            Window(event.user, end - shape.size, end): Content(window.count, window.micro)
            for end, window in found.items()
        }

    return model.take, Follower(near, lambda window: model.closed(window.end))


def _sessions(shape: Shape, ledger: Ledger) -> tuple[Callable[[validate.Event], None], Follower]:
    model = Sessions(_settings(shape), ledger)

    def near(event: Event) -> dict[Window, Content]:
        return {
            Window(event.user, session.start, session.end): Content(session.count, None)
            for session in model.users.get(event.user, [])
            if session.start - shape.size <= event.time <= session.end + shape.size
        }

    def is_closed(window: Window) -> bool:
        return (model.stream_time or 0) > shape.last_in_time(window.end)

    return model.take, Follower(near, is_closed)


_MAKERS: dict[str, Maker] = {
    "tumbling": _aligned,
    "hopping": _aligned,
    "sliding": _sliding,
    "session": _sessions,
}
