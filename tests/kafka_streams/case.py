"""One comparison under way, and the parts that all kinds of windows share."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from tests.kafka_streams.facts import Changes, Facts, changes, finals, same
from tests.kafka_streams.rules import Report
from tests.kafka_streams.shapes import Content, KafkaRun, Result, Update, Window

Place = TypeVar("Place", Window, tuple[int, Window])
Excuse = Callable[[Place, Content | None, Content | None], bool]
"""Whether a rule covers a difference: where, ours, Kafka Streams'."""


def no_excuse(place: object, ours: Content | None, kafka: Content | None) -> bool:
    """Everything has to be equal."""
    return False


@dataclass(slots=True)
class Case:
    """What is compared, and the report on it."""

    facts: Facts
    kafka: KafkaRun
    ours: Result
    report: Report = field(default_factory=Report)

    def contents(
        self,
        what: str,
        ours: Mapping[Place, Content],
        kafka: Mapping[Place, Content],
        excuse: Excuse[Place] = no_excuse,
    ) -> None:
        """Compare all windows, or all changes."""
        for place in sorted(ours.keys() | kafka.keys()):
            mine, theirs = ours.get(place), kafka.get(place)
            if not same(mine, theirs) and not excuse(place, mine, theirs):
                self.report.differ(what, place, mine, theirs)

    def drops(
        self,
        only_ours: Callable[[int], bool] = lambda index: False,
        only_kafka: Callable[[int], bool] = lambda index: False,
    ) -> None:
        """Compare the dropped events; a rule may cover one that only one side has dropped."""
        kafka = self.facts.dropped(self.kafka)
        for index in sorted(self.ours.drops ^ kafka):
            mine = index in self.ours.drops
            if not (only_ours if mine else only_kafka)(index):
                drop = {True: "dropped", False: "taken"}
                event = (index, self.facts.events[index])
                self.report.differ("drop", event, drop[mine], drop[not mine])

    def our_changes(self) -> Changes | None:
        return None if self.ours.updates is None else changes(self.ours.updates)

    def closes(self, skip: Callable[[Window], bool] = lambda window: False) -> None:
        """Compare what closed with which event, and that it was final and once."""
        if self.ours.closed is None:
            return
        emitted = [update for update in self.kafka.closed if not skip(update.window)]
        mine = {(window, at) for window, at in self.ours.closed.items() if not skip(window)}
        theirs = {(update.window, update.at) for update in emitted}
        for window, at in sorted(mine ^ theirs):
            ours, kafka = ((window, at) in side for side in (mine, theirs))
            self.report.differ("close", (window, at), ours, kafka)
        final = finals(self.kafka.updates)
        for index, window, content in emitted:
            if content != final.get(window):
                self.report.differ("close, final", (window, index), final.get(window), content)
        _once(self, emitted)


def _once(case: Case, emitted: Iterable[Update]) -> None:
    seen: set[Window] = set()
    for index, window, content in emitted:
        if window in seen:
            case.report.differ("close, twice", (window, index), "once", content)
        seen.add(window)
