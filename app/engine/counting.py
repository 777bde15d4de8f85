"""Counts what a transaction sets aside: late events and dead letters."""

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from app.observability.metrics import Metrics
from models.outputs import Output
from models.topics import DEAD_LETTERS, LATE_EVENTS, Catalogue
from tables.set_aside import SetAsideFold


class Late(NamedTuple):
    """A record that was late for this computation."""

    computation: str


class Dead(NamedTuple):
    """A record that became a dead letter: where it came from, and why."""

    topic: str
    reason: str


class SetAsides:
    """Finds, among a transaction's outputs, those that were set aside."""

    def __init__(self, catalogue: Catalogue) -> None:
        """`catalogue`: for the topics' actual names."""
        self._late, self._dead = catalogue.name(LATE_EVENTS), catalogue.name(DEAD_LETTERS)

    def of(self, outputs: Sequence[Output]) -> Iterator[Late | Dead]:
        """Give one for each late event and each dead letter."""
        late, dead = self._late, self._dead
        for output in outputs:
            if output.topic == late:
                yield Late(dict(output.headers)["late.for"].decode())
            elif output.topic == dead:
                headers = dict(output.headers)
                yield Dead(headers["source.topic"].decode(), headers["error.type"].decode())


def count_in_state(found: Iterable[Late | Dead], fold: SetAsideFold) -> None:
    """Count them in the state that the same transaction commits."""
    for one in found:
        if isinstance(one, Late):
            fold.late(one.computation)
        else:
            fold.dead(one.topic, one.reason)


def count_in_metrics(found: Iterable[Late | Dead], metrics: Metrics) -> None:
    """Count committed ones: never those of a lost transaction."""
    for one in found:
        if isinstance(one, Late):
            metrics.late_event(one.computation)
        else:
            metrics.dead_letter(one.topic, one.reason)
