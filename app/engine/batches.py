"""A batch on its way through an agent, and what became of it."""

import asyncio
from collections.abc import Iterator, Sequence
from typing import Generic, TypeVar

from app.engine.errors import NOBODYS_FAULT, HandlingError
from app.engine.state import PartitionState

E = TypeVar("E")
W = TypeVar("W")


class EventBatch(Generic[E]):
    """An `agents.partition.Batch`: the value of one Faust event."""

    def __init__(self, state: PartitionState, events: Sequence[E]) -> None:
        """`events`: in the order in which they are to be taken."""
        self._events = events
        self.work = state.work
        self.handled: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def __iter__(self) -> Iterator[E]:
        """See `Batch`."""
        return iter(self._events)

    def done(self) -> None:
        """Note that the agent has gone on to the next batch."""
        if not self.handled.done():
            self.handled.set_result(None)

    def failed(self, error: Exception) -> None:
        """Note that the agent raised while it handled this batch.

        A store that fails under it says nothing about the batch (reliability, rule 10).
        """
        if self.handled.done():
            return
        if isinstance(error, NOBODYS_FAULT):
            self.handled.set_exception(error)
        else:
            handling = HandlingError(f"a handler raised {error!r}")
            handling.__cause__ = error
            self.handled.set_exception(handling)
