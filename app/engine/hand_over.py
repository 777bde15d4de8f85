"""Has the agents handle what a partition has taken, and buries the records that they cannot."""

from collections.abc import Sequence
from itertools import groupby
from typing import Any

from agents.intake import is_large
from agents.topology import Flow
from app.engine.batches import EventBatch
from app.engine.dead_letters import DeadLetters
from app.engine.errors import HandlingError, TooLargeError
from app.engine.partition_parts import Surroundings
from app.engine.pieces import verdict
from app.engine.state import PartitionState
from models.dead_letters import Rejected


class HandOver:
    """One partition's. `raised`: whether a handler has raised since the last commit."""

    def __init__(
        self, state: PartitionState, dead_letters: DeadLetters, around: Surroundings
    ) -> None:
        """Start with nothing raised."""
        self._state = state
        self._dead_letters = dead_letters
        self._deliver = around.deliver
        self._max_attempts = around.pace.max_attempts
        self.raised = False

    async def take(self, flow: Flow, items: Sequence[Any], *, large: bool = False) -> None:
        """Have them dealt with; while the state is careful, one by one if need be.

        `large`: some are of large records. Each of those is dealt with by itself, and becomes a
        dead letter if it makes a row too large. Raises HandlingError while the state is not
        careful: then nothing can be taken back but all of it.
        """
        if not large:
            await self._take(flow, items)
            return
        for alone, some in groupby(items, key=lambda item: is_large(item.source)):
            if alone:
                careful, self._state.careful = self._state.careful, True
                await self._one_by_one(flow, list(some))
                self._state.careful = careful
            else:
                await self._take(flow, list(some))

    async def _take(self, flow: Flow, items: Sequence[Any]) -> None:
        if not self._state.careful:
            await self._hand_over(flow, items)
            return
        self._state.savepoint()
        try:
            await self._hand_over(flow, items)
        except HandlingError:
            self._state.rollback()
            self.raised = True
            await self._one_by_one(flow, items)

    async def _hand_over(self, flow: Flow, items: Sequence[Any]) -> None:
        """Have the agent handle the events, and bury what is not valid."""
        events = [item for item in items if not isinstance(item, Rejected)]
        if events:
            batch = EventBatch(self._state, events)
            await self._deliver(flow, self._state.number, batch)
            await batch.handled
        if len(events) < len(items) or self._dead_letters.in_a_run:
            self._dead_letters.take(items)

    async def _one_by_one(self, flow: Flow, items: Sequence[Any]) -> None:
        for item in items:
            attempts = 0
            while (cause := await self._attempt(flow, item)) is not None:
                attempts += 1
                rejected = verdict(item, cause, flow.name, attempts, self._max_attempts)
                if rejected is not None:
                    self._dead_letters.bury(rejected)
                    break

    async def _attempt(self, flow: Flow, item: Any) -> BaseException | None:  # noqa: ANN401
        """Have one item dealt with; what its handling raised, after its changes were taken back."""
        self._state.savepoint()
        try:
            await self._hand_over(flow, [item])
            self._state.check_rows()
        except (HandlingError, TooLargeError) as error:
            self._state.rollback()
            return error if isinstance(error, TooLargeError) else error.__cause__
        return None
