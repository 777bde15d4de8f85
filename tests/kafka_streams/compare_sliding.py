"""Sliding windows: the rules that tell Kafka Streams' windows from the contract's."""

from collections import defaultdict
from collections.abc import Sequence
from itertools import takewhile

from tests.kafka_streams.case import Case
from tests.kafka_streams.facts import Facts, changes, finals, same
from tests.kafka_streams.shapes import Content, Event, Update, Window
from tests.kafka_streams.suppressed import compare_suppressed

NEVER = 10**9
Sum = tuple[int, int]
"""(count, sum of the values)."""


def compare_sliding(case: Case) -> None:
    """Compare all that ends at an event's time in time, and judge the rest by the rules."""
    rules = _Rules(case)
    theirs, ours = finals(case.kafka.updates), case.ours.windows
    wanted = {window: content for window, content in theirs.items() if rules.is_made(window)}
    case.report.use("window-at-no-event", len(theirs) - len(wanted))
    case.report.use("near-the-epoch", sum(rules.is_early(window) for window in ours))
    mine = {window: content for window, content in ours.items() if not rules.is_early(window)}
    last = len(case.facts.events)
    case.contents(
        "window", mine, wanted, lambda place, ours, kafka: rules.covers(last, place, ours, kafka)
    )
    case.drops(only_ours=rules.is_late_but_for_those)
    case.closes(skip=lambda window: rules.is_early(window) or not rules.is_made(window))
    compare_suppressed(case, wanted.keys() & mine.keys())
    if (changed := case.our_changes()) is not None:
        theirs_too = changes(case.kafka.updates)
        case.contents(
            "change",
            {place: content for place, content in changed.items() if not rules.is_early(place[1])},
            {place: content for place, content in theirs_too.items() if rules.is_made_at(place)},
            lambda place, ours, kafka: rules.covers(*place, ours, kafka),
        )


class _Rules:
    def __init__(self, case: Case) -> None:
        self.case = case
        self.facts: Facts = case.facts
        self.size = case.facts.shape.size
        self.made: dict[tuple[str, int], int] = {}
        self.anew = windows_made_anew(case.facts, case.kafka.updates)
        self.events: dict[str, list[tuple[int, Event]]] = defaultdict(list)
        for index, event in enumerate(case.facts.events):
            if event.value is not None:
                self.events[event.user].append((index, event))
                if self.facts.is_open(event.time, index):
                    self.made.setdefault((event.user, event.time), index)

    def is_made(self, window: Window) -> bool:
        """Whether an event came at its end while it was open: the contract has no others."""
        return (window.user, window.end) in self.made

    def is_made_at(self, place: tuple[int, Window]) -> bool:
        """Whether that was by then."""
        index, window = place
        return self.made.get((window.user, window.end), NEVER) <= index

    def is_early(self, window: Window) -> bool:
        """Whether it starts before the epoch."""
        return window.start < 0

    def is_late_but_for_those(self, index: int) -> bool:
        """Whether all that the contract has for the event was closed, but not all of theirs."""
        event = self.facts.events[index]
        for end_user, end in self.made:
            there = end_user == event.user and event.time <= end <= event.time + self.size
            if there and self.made[end_user, end] <= index and self.facts.is_open(end, index):
                return False
        self.case.report.use("late-but-for-those")
        return True

    def covers(
        self, upto: int, window: Window, ours: Content | None, kafka: Content | None
    ) -> bool:
        """Whether both are what the contract and Kafka Streams can have by then.

        Ours: all that was in time, and of those behind the grace the ones that were not late.
        Kafka Streams': all that was in time, but for what one window made anew lacks; and any of
        those behind the grace, also of those that lie up to a window's size before its start.
        """
        if ours is None or kafka is None:
            return False
        sure, possible, counted = self._within(window, upto)
        if not same(ours, Content(sure[0] + counted[0], sure[1] + counted[1])):
            return False
        within = _subsets({(0, 0)}, possible)
        theirs = (kafka.events - sure[0], (kafka.total or 0) - sure[1])
        if theirs in within:
            self.case.report.use("behind-the-grace")
            return True
        around = _subsets(within, self._before(window))
        if theirs in around:
            self.case.report.use("before-the-start")
            return True
        if any((theirs[0] + n, theirs[1] + total) in around for n, total in self._lacking(window)):
            self.case.report.use("made-anew")
            return True
        return False

    def _within(self, window: Window, upto: int) -> tuple[Sum, list[int], Sum]:
        """Of the events in the window: the sum of those that both count by then; the values of
        those behind the grace; the sum of those of them that ours has counted."""
        made = self.made[window.user, window.end]
        sure, counted = (0, 0), (0, 0)
        possible = []
        for index, event in takewhile(lambda item: item[0] <= upto, self.events[window.user]):
            if event.value is None or not window.start <= event.time <= window.end:
                continue
            if index < made and not self.facts.is_open(event.time, index):
                possible.append(event.value)
                if index not in self.case.ours.drops:
                    counted = _add(counted, event.value)
            elif index < made or self.facts.is_open(window.end, index):
                sure = _add(sure, event.value)
        return sure, possible, counted

    def _before(self, window: Window) -> list[int]:
        """The values of the events behind the grace that lie a little before the window."""
        made = self.made[window.user, window.end]
        return [
            event.value
            for index, event in takewhile(lambda item: item[0] < made, self.events[window.user])
            if event.value is not None
            and window.start - self.size <= event.time < window.start
            and not self.facts.is_open(event.time, index)
        ]

    def _lacking(self, window: Window) -> list[Sum]:
        """The sum of the events in time that it lacks, for each window made anew that it can have
        its contents from."""
        made = self.made[window.user, window.end]
        found = []
        for at, anew in self.anew[window.user]:
            start, end = max(window.start, anew.start), min(window.end, anew.end)
            lacking = [
                event.value
                for index, event in self.events[window.user]
                if index < at <= made
                and event.value is not None
                and start <= event.time <= end
                and self.facts.is_open(event.time, index)
            ]
            found.append((len(lacking), sum(lacking)))
        return found


def windows_made_anew(
    facts: Facts, updates: Sequence[Update]
) -> dict[str, list[tuple[int, Window]]]:
    """{user: [(the event with which it was made, window)]} of the windows that start just after an
    event that came behind the grace, and that Kafka Streams made with one event alone in them."""
    behind: dict[tuple[str, int], int] = {}
    for index, event in enumerate(facts.events):
        if facts.shape.takes(event) and not facts.is_open(event.time, index):
            behind.setdefault((event.user, event.time), index)
    found: dict[str, list[tuple[int, Window]]] = defaultdict(list)
    known: set[Window] = set()
    for at, window, content in updates:
        is_new, is_alone = window not in known, content is not None and content.events == 1
        known.add(window)
        if is_new and is_alone and behind.get((window.user, window.start - 1), NEVER) < at:
            found[window.user].append((at, window))
    return found


def _add(one: Sum, value: int) -> Sum:
    return one[0] + 1, one[1] + value


def _subsets(sums: set[Sum], values: list[int]) -> set[Sum]:
    """Each of the sums with none, some or all of the values added."""
    for value in values:
        sums = sums | {_add(one, value) for one in sums}
    return sums
