"""Counts what a transaction sets aside: late events and dead letters."""

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple, Protocol

from models.outputs import Output
from models.topics import DEAD_LETTERS, LATE_EVENTS, Catalogue


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


class Counts(Protocol):
    """What counts them: the state that the same transaction commits, or metrics after it."""

    def late_event(self, computation: str) -> None:
        """Count a record that was late for a computation."""

    def dead_letter(self, topic: str, reason: str) -> None:
        """Count a dead letter of a source topic."""


def count(found: Iterable[Late | Dead], counts: Counts) -> None:
    """Count each; in metrics never those of a lost transaction."""
    for one in found:
        if isinstance(one, Late):
            counts.late_event(one.computation)
        else:
            counts.dead_letter(one.topic, one.reason)
