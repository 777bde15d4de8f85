"""One record's way through a handler: tried, tried again, and in the end a dead letter."""

import asyncio
import logging
from collections.abc import Awaitable, Callable

from app.consumer.dead_letters import DeadLetterTopic
from app.consumer.errors import HandlerFailedError
from app.consumer.membership import Membership
from app.consumer.message import Message
from app.consumer.options import ConsumerOptions

log = logging.getLogger(__name__)

Handler = Callable[[Message], Awaitable[None]]


class Attempts:
    """Has records handled, several at a time if told so, and marks them as finished."""

    def __init__(
        self,
        options: ConsumerOptions,
        membership: Membership,
        dead_letters: DeadLetterTopic | None,
        stopping: asyncio.Event,
    ) -> None:
        """Without `dead_letters` a record that fails for good ends everything."""
        self._options = options
        self._membership = membership
        self._dead_letters = dead_letters
        self._stopping = stopping
        self._running = 0
        self._idle = asyncio.Event()
        self._idle.set()

    async def idle(self) -> None:
        """Wait until no handler runs, at most half a session: then the group gives up on us."""
        try:
            async with asyncio.timeout(self._options.session_timeout / 2):
                await self._idle.wait()
        except TimeoutError:
            log.warning("a handler still runs while its partition is taken away")

    async def handle(self, message: Message, handler: Handler) -> None:
        """Handle one record, unless it is no longer ours or the consumer stops.

        Raises HandlerFailedError, DeadLetterError; it is finished only if neither.
        """
        if self._stopping.is_set() or not self._membership.is_current(message):
            return
        self._running += 1
        self._idle.clear()
        try:
            if await self._try(message, handler):
                self._membership.finish(message)
        finally:
            self._running -= 1
            if not self._running:
                self._idle.set()

    async def _try(self, message: Message, handler: Handler) -> bool:
        attempt = 1
        while True:
            try:
                await handler(message)
                return True
            except Exception as error:
                cause = error
            name = type(cause).__name__
            if attempt >= self._options.attempts:
                break
            log.warning(
                "attempt %d of %d at %s partition %d offset %d raised %s",
                attempt, self._options.attempts, *message[:3], name,
            )  # fmt: skip
            if not await self._pause(message, self._options.pause(attempt)):
                return False
            attempt += 1
        if self._dead_letters is None:
            raise HandlerFailedError(
                f"the handler raised {name} {attempt} times at {message.topic} partition "
                f"{message.partition} offset {message.offset}; repair it, or set dead_letter_topic"
            ) from cause
        await self._dead_letters.send(message, f"the handler raised {name} {attempt} times")
        return True

    async def _pause(self, message: Message, seconds: float) -> bool:
        """Wait before the next attempt; false if there is to be none."""
        try:
            async with asyncio.timeout(seconds):
                await self._stopping.wait()
        except TimeoutError:
            return self._membership.is_current(message)
        return False
