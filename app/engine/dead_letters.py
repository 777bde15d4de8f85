"""Writes dead letters with the transaction that commits the record's offset (contract 5)."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from app.engine import failpoints
from app.engine.clock import Clock
from app.engine.errors import TooLargeError
from app.engine.state import PartitionState
from app.errors import UserError
from models.dead_letters import (
    Rejected,
    dead_letter_headers,
    replaced_value_headers,
    withheld_headers,
)
from models.outputs import Output
from models.records import WithheldRecord


class DeadLetterRunError(UserError):
    """As many dead letters in a row as `dead_letter_run` allows none of: the worker stops."""


class DeadLetterRun(NamedTuple):
    """Dead letters of one topic's partition with no other record of it between them."""

    length: int
    first: int
    errors: dict[str, int]

    def longer(self, rejected: Rejected) -> "DeadLetterRun":
        """Give the run with one more."""
        name = rejected.error.value
        errors = {**self.errors, name: self.errors.get(name, 0) + 1}
        return DeadLetterRun(self.length + 1, self.first, errors)


class DeadLetters:
    """One partition's way to `dead-letters`, and the count of those that come in a row.

    A run is counted for each topic by itself, in the order of offsets: a producer that went wrong
    shows in its own topic, whatever valid records the others bring. Every record that is no dead
    letter ends it, a late one too. It goes on across commits, and begins anew where the partition
    is acquired: it is not part of the state.
    """

    def __init__(self, state: PartitionState, topic: str, clock: Clock, run: int) -> None:
        """`topic`: its actual name; `run`: the setting `dead_letter_run`, 0 for none."""
        self._state = state
        self._topic = topic
        self._clock = clock
        self._limit = run
        self._runs: dict[str, DeadLetterRun] = {}
        self._committed: dict[str, DeadLetterRun] = {}

    @property
    def in_a_run(self) -> bool:
        """Whether `take` has to see valid records too: one of them may end a run."""
        return bool(self._runs)

    def take(self, items: Sequence[Any]) -> None:
        """Bury those of these handled events that are rejected records; see `bury`."""
        for item in items:
            if isinstance(item, Rejected):
                self.bury(item)
            elif self._runs:
                self._runs.pop(item.source.topic, None)

    def bury(self, rejected: Rejected) -> None:
        """Write a record to `dead-letters`; a value too large for it by its size and digest.

        Raises DeadLetterRunError at the last of a run: what is not committed must not be.
        """
        failpoints.hit(failpoints.AT_DEAD_LETTER)
        if self._limit:
            self._count(rejected)
        source = rejected.source
        headers = dead_letter_headers(rejected, self._clock.wall_ms())
        number = source.partition
        try:
            if isinstance(source, WithheldRecord):
                headers += withheld_headers(source)
            self._state.send(Output(self._topic, number, source.key, source.value, None, headers))
            return
        except TooLargeError:
            if source.value is not None:
                headers += replaced_value_headers(source.value)
        try:
            self._state.send(Output(self._topic, number, source.key, None, None, headers))
        except TooLargeError:  # The key alone is too large: its size stands for it.
            headers = [*headers, ("key.size", b"%d" % len(source.key or b""))]
            self._state.send(Output(self._topic, number, None, None, None, headers))

    def _count(self, rejected: Rejected) -> None:
        source = rejected.source
        run = self._runs.get(source.topic) or DeadLetterRun(0, source.offset, {})
        run = self._runs[source.topic] = run.longer(rejected)
        if run.length < self._limit:
            return
        errors = ", ".join(f"{name} {count}" for name, count in run.errors.items())
        raise DeadLetterRunError(
            f"{run.length} dead letters in a row in partition {source.partition} of {source.topic} "
            f"(offsets {run.first} to {source.offset}: {errors}); the last is not committed. Look "
            "at these records and at what was deployed last and put it right; or set "
            "dead_letter_run (STREAMJOIN_DEAD_LETTER_RUN) higher, or to 0, to have them written "
            f"to {self._topic}"
        )

    def committed(self) -> None:
        """Keep the runs: what they were counted from is committed."""
        self._committed = dict(self._runs)

    def discard(self) -> None:
        """Go back to the runs of the last commit."""
        self._runs = dict(self._committed)
