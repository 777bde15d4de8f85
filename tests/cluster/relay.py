"""Stands between a client and a real broker, and falls silent when it is told to."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from app.cluster.addresses import Address, parse_addresses
from tests.support.topics import until

_BOUND = 300.0


class Relay:
    """Passes bytes on. `silent`: takes what comes, answers nothing. `opened`: connections so far.

    `deaf`: takes nothing. `slow_s`: seconds between the pieces of an answer. After `hold` the
    connections that are there answer nothing, new ones do.
    """

    def __init__(self, broker: str) -> None:
        self.silent = False
        self.deaf = False
        self.slow_s = 0.0
        self.opened = 0
        self.address = Address("", 0)
        [self._broker] = parse_addresses(broker)
        self._held: set[int] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    def hold(self) -> None:
        self._held.update(range(self.opened + 1))

    async def _hears(self) -> bool:
        return not self.deaf

    async def _speaks(self, number: int) -> bool:
        return not (self.silent or number in self._held)

    def let_go(self) -> None:
        self._held.clear()

    @asynccontextmanager
    async def listening(self) -> AsyncIterator["Relay"]:
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.address = Address(*server.sockets[0].getsockname())
        try:
            yield self
        finally:
            server.close()
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.opened += 1
        number = self.opened
        to_broker = await asyncio.open_connection(*self._broker)
        ways = (
            self._up(reader, to_broker[1]),
            self._down(number, to_broker[0], writer),
        )
        tasks = [asyncio.ensure_future(way) for way in ways]
        self._tasks.update(tasks)
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in tasks:
            task.cancel()
        to_broker[1].close()
        writer.close()

    async def _up(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while True:
                await until(self._hears, _BOUND, "let through", 0.02)
                data = await reader.read(1 << 16)
                if not data:
                    return
                writer.write(data)

    async def _down(
        self, number: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        with suppress(OSError):
            while data := await reader.read(1 << 16):
                await until(lambda: self._speaks(number), _BOUND, "let through", 0.02)
                pieces = [data]
                if self.slow_s:
                    pieces = [data[:2], data[2:4], data[4:6], data[6:]]
                for piece in pieces:
                    writer.write(piece)
                    await asyncio.sleep(self.slow_s)
