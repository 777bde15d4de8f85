"""One Kafka reader for all who look a little at a time, so that no look connects anew."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager

from aiokafka import AIOKafkaConsumer

Reader = Callable[[], AbstractAsyncContextManager[AIOKafkaConsumer]]


class SharedReader:
    """Opened at the first use; after one that raised, or was cancelled, anew at the next."""

    def __init__(self, make: Reader) -> None:
        """`make`: gives a reader for as long as a block lasts."""
        self._make = make
        self._turn = asyncio.Lock()
        self._open = AsyncExitStack()
        self._reader: AIOKafkaConsumer | None = None

    @asynccontextmanager
    async def use(self) -> AsyncIterator[AIOKafkaConsumer]:
        """Have the reader for a while; others wait."""
        async with self._turn:
            try:
                if self._reader is None:
                    self._reader = await self._open.enter_async_context(self._make())
                reader: AIOKafkaConsumer = self._reader
                yield reader
                # Else it would go on to ask the broker for what nobody reads.
                reader.pause(*reader.assignment())
            except BaseException:
                await self._close()
                raise

    async def close(self) -> None:
        """Let go of the connections."""
        async with self._turn:
            await self._close()

    async def _close(self) -> None:
        self._reader, opened, self._open = None, self._open, AsyncExitStack()
        await opened.aclose()
