"""Notices that a topic does not have the records that a partition is to read next."""

from collections.abc import Callable, Mapping
from typing import Any

from agents.intake import Intake
from app.engine.errors import LostError

# Beside `join_wait`: how long a partition must have had nothing to take before it is given up with
# records in hand, which wait for another topic's.
_SECONDS = 5.0


class GoneError(LostError):
    """The broker has nothing at offsets that are to be read next; `refused`: these, by topic."""

    def __init__(self, refused: Mapping[str, int]) -> None:
        """Say so."""
        places = ", ".join(f"{topic} at {offset}" for topic, offset in sorted(refused.items()))
        super().__init__(f"the broker does not have what is to be read next: {places}")
        self.refused = refused


class Gone:
    """One partition's topics whose next offset the broker has refused."""

    def __init__(self, clock: Callable[[], float], join_wait_ms: int) -> None:
        """`clock`: seconds, monotonic."""
        self._clock = clock
        self._patience = _SECONDS + join_wait_ms / 1000
        self._refused: dict[str, int] = {}
        self._resting: float | None = None

    def refuse(self, topic: str, offset: int) -> None:
        """Note that the broker has nothing there."""
        self._refused[topic] = offset

    def check(self, intakes: Mapping[str, Intake[Any]], *, in_hand: bool) -> None:
        """Raise GoneError once all that can still be taken is committed.

        What lies in hand before the gap may be deleted by now as well: the gap is to begin behind
        it. To be called where nothing can be taken at the moment; `in_hand`: something is not
        committed.
        """
        if not self._refused or in_hand:
            self._resting = None
            return
        now = self._clock()
        self._resting = self._resting or now
        if (
            not any(intakes[topic].waiting for topic in self._refused)
            or now - self._resting >= self._patience
        ):
            raise GoneError(self._refused)
