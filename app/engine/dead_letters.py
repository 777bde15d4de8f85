"""Writes dead letters with the transaction that commits the record's offset (contract 5)."""

from app.engine import failpoints
from app.engine.clock import Clock
from app.engine.errors import OutputTooLargeError
from app.engine.state import PartitionState
from models.dead_letters import Rejected, dead_letter_headers, replaced_value_headers
from models.outputs import Output


class DeadLetters:
    """One partition's way to `dead-letters`."""

    def __init__(self, state: PartitionState, topic: str, clock: Clock) -> None:
        """`topic`: its actual name."""
        self._state = state
        self._topic = topic
        self._clock = clock

    def bury(self, rejected: Rejected) -> None:
        """Write a record to `dead-letters`; a value too large for it by its size and digest."""
        failpoints.hit(failpoints.AT_DEAD_LETTER)
        source = rejected.source
        headers = dead_letter_headers(rejected, self._clock.wall_ms())
        number = source.partition
        try:
            self._state.send(Output(self._topic, number, source.key, source.value, None, headers))
            return
        except OutputTooLargeError:
            headers = [*headers, *replaced_value_headers(source.value or b"")]
        try:
            self._state.send(Output(self._topic, number, source.key, None, None, headers))
        except OutputTooLargeError:  # The key alone is too large: its size stands for it.
            headers = [*headers, ("key.size", b"%d" % len(source.key or b""))]
            self._state.send(Output(self._topic, number, None, None, None, headers))
