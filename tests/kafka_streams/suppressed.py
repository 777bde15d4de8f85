"""What `suppress(untilWindowCloses)` lets out, and when."""

from collections import defaultdict
from collections.abc import Collection, Iterator

from tests.kafka_streams.case import Case
from tests.kafka_streams.facts import NOTHING, Changes, Facts, changes
from tests.kafka_streams.shapes import Content, Window

Timeline = list[tuple[int, Content]]
"""(event's index, what the window holds from then on)."""


def compare_suppressed(case: Case, windows: Collection[Window]) -> None:
    """Predict from the updates what leaves of `windows`, and relate it to our closes.

    A window with an exclusive end leaves with the event that closes it. One with an inclusive end
    leaves a millisecond of stream time earlier, and again with each change after that.
    """
    timelines: dict[Window, Timeline] = defaultdict(list)
    for (index, window), content in changes(case.kafka.updates).items():
        timelines[window].append((index, content))
    expected: Changes = {}
    for window in windows:
        expected.update(_leaving(case.facts, window, timelines[window]))
    left = changes(case.kafka.suppressed)
    found = {place: content for place, content in left.items() if place[1] in windows}
    case.contents("suppress", expected, found)
    _relate(case, found, windows)


def _limit(facts: Facts, window: Window) -> int:
    """The stream time from which suppress takes the window for closed."""
    return facts.shape.last_in_time(window.end) + (0 if facts.shape.is_inclusive else 1)


def _leaving(
    facts: Facts, window: Window, timeline: Timeline
) -> Iterator[tuple[tuple[int, Window], Content]]:
    first = facts.first_at(_limit(facts, window))
    until = [content for index, content in timeline if index <= first]
    if until and until[-1] != NOTHING and first < len(facts.events):
        yield (first, window), until[-1]
    for index, content in timeline:
        if index > first and content != NOTHING:
            yield (index, window), content


def _relate(case: Case, found: Changes, windows: Collection[Window]) -> None:
    """What leaves while the window is open by the contract is early; all else leaves as it
    closes."""
    case.report.use("suppress-early", sum(case.facts.is_open(w.end, at) for at, w in found))
    if case.ours.closed is None:
        return
    ours = {(at, window) for window, at in case.ours.closed.items() if window in windows}
    kafka = {(at, window) for at, window in found if not case.facts.is_open(window.end, at)}
    early = {window for at, window in found if case.facts.is_open(window.end, at)}
    for at, window in sorted(ours ^ kafka):
        if window not in early or (at, window) in kafka:
            case.report.differ("suppress, close", window, case.ours.closed.get(window), at)
