"""Faust's Agent and Stream, made to hand over batches and to survive what a handler raises.

Stock Faust acknowledges the event whose handling raised, keeps its half-done changes, and restarts
the agent under a supervisor (faust.md, "Failure handling"). Here the batch is told of the error,
the engine takes its changes back and decides what to do, and the agent's function starts again on
the same stream at once.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable
from typing import Any, cast

import faust
from faust.agents import Agent
from faust.types.agents import ActorRefT

from app.engine.batches import EventBatch


class BatchStream(faust.Stream[Any]):
    """A stream of `EventBatch`: one is done when the next one is asked for."""

    in_hand: EventBatch[Any] | None = None

    def __aiter__(self) -> AsyncIterator[Any]:
        """Go through the batches; what was in hand before has been dealt with."""
        return self._batches()

    async def _batches(self) -> AsyncIterator[Any]:
        await self.maybe_start()
        queue = cast("Any", self.channel).queue
        while not self.should_stop:
            try:
                event = await queue.get()
            except StopAsyncIteration:  # How Faust ends a stream.
                return
            self.in_hand = batch = cast("EventBatch[Any]", event.value)
            yield batch
            self.in_hand = None
            batch.done()

    def fail(self, error: Exception) -> bool:
        """Tell the batch in hand that its handling raised; whether there was one."""
        batch, self.in_hand = self.in_hand, None
        if batch is None:
            return False
        batch.failed(error)
        return True


class BatchAgent(Agent):
    """An agent whose function is started again after it raised."""

    async def _execute_actor(self, coro: Awaitable[Any], aref: ActorRefT) -> None:
        stream = cast("BatchStream", aref.stream)
        running = coro
        while not self.should_stop:
            try:
                await running
                return
            except asyncio.CancelledError:
                if self.should_stop:
                    raise
                return
            except Exception as error:
                if not stream.fail(error):
                    await cast("Any", self.app).crash(error)
                    return
                running = cast("Awaitable[Any]", self.fun(stream))
