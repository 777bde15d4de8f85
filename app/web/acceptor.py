"""Takes connections for a worker's HTTP server, while there is room for them.

asyncio's own way takes all that come: until descriptors end, which stores and Kafka need too, and
then it writes a line to the log each second.
"""

import asyncio
import errno
import logging
import os
import socket
import time
from collections.abc import Callable, Sequence
from typing import Any, Final, cast

from aiohttp.web_runner import BaseRunner, BaseSite

from app.web import connections
from app.web.connection import Connection, Why
from app.web.connections import Connections
from app.web.tls import ServerTls

log = logging.getLogger(__name__)
# Connections that the system keeps until they are taken; and how many are taken at a time.
_BACKLOG: Final = 1024
_AT_ONCE: Final = 16
# Between two tries where there is no room, or no descriptor.
_AGAIN_SECONDS: Final = 0.02
_STARVED_SECONDS: Final = 0.2
# After so long without descriptors that are lacking, the next lack is news.
_NEWS_SECONDS: Final = 60.0
# Seconds for the goodbye of a TLS connection.
_SHUTDOWN_SECONDS: Final = 2.0
_STARVED: Final = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)


class Acceptor:
    """Takes connections of some listening sockets."""

    def __init__(
        self,
        sockets: Sequence[socket.socket],
        make: Callable[[], asyncio.Protocol],
        connections: Connections,
        tls: ServerTls | None,
    ) -> None:
        """`make`: gives a protocol, whose `connection` is set before it is connected."""
        self.sockets = sockets
        self._make = make
        self._connections = connections
        self._tls = tls
        self._loop = asyncio.get_running_loop()
        self._starved_at = float("-inf")
        self._later: dict[socket.socket, asyncio.TimerHandle] = {}
        self._connecting: set[asyncio.Task[None]] = set()
        for listening in sockets:
            self._loop.add_reader(listening, self._accept, listening)

    def close(self) -> None:
        """Take no more."""
        for timer in self._later.values():
            timer.cancel()
        for listening in self.sockets:
            self._loop.remove_reader(listening)
            listening.close()
        for task in self._connecting:
            task.cancel()

    def _accept(self, listening: socket.socket) -> None:
        for _ in range(_AT_ONCE):
            if not self._connections.has_room:
                self._pause(listening, _AGAIN_SECONDS)
                return
            try:
                accepted, address = listening.accept()
            except (BlockingIOError, InterruptedError, ConnectionError):
                return
            except OSError as error:
                self._failed(listening, error)
                return
            self._serve(accepted, str(address[0]))

    def _failed(self, listening: socket.socket, error: OSError) -> None:
        """Wait, where there are no descriptors left; one that rests gives its own."""
        if error.errno not in _STARVED:
            raise error
        now = time.monotonic()
        if now - self._starved_at > _NEWS_SECONDS:
            log.warning(
                "no connection can be taken (%s): raise the limit of open files (ulimit -n); it "
                "is tried again until one can",
                os.strerror(error.errno),
            )
        self._starved_at = now
        self._connections.refused(Why.NO_DESCRIPTOR)
        self._connections.give_way()
        self._pause(listening, _STARVED_SECONDS)

    def _pause(self, listening: socket.socket, seconds: float) -> None:
        self._loop.remove_reader(listening)
        self._later[listening] = self._loop.call_later(seconds, self._resume, listening)

    def _resume(self, listening: socket.socket) -> None:
        del self._later[listening]
        self._loop.add_reader(listening, self._accept, listening)

    def _serve(self, accepted: socket.socket, address: str) -> None:
        connection = Connection(address, lambda: None)
        taken = _Taken(accepted, lambda: self._connections.ended(connection))
        self._connections.opened(connection)
        task = self._loop.create_task(self._connect(taken, connection))
        connection.cut_by(task.cancel)
        self._connecting.add(task)
        task.add_done_callback(lambda done: self._connected(done, taken))

    async def _connect(self, taken: socket.socket, connection: Connection) -> None:
        def make() -> asyncio.Protocol:
            handler = self._make()
            handler.connection = connection  # type: ignore[attr-defined]
            return handler

        tls: dict[str, Any] = {}
        if self._tls is not None:
            tls = {
                "ssl": self._tls.context,
                # `Connections` ends those that take longer than `HEAD_SECONDS`.
                "ssl_handshake_timeout": 2 * connections.HEAD_SECONDS,
                "ssl_shutdown_timeout": _SHUTDOWN_SECONDS,
            }
        await self._loop.connect_accepted_socket(make, taken, **tls)
        # Not counted from before: what has come by then is read before the timer is looked at,
        # however long the loop was busy.
        self._loop.call_later(connections.SPARED_SECONDS, connection.spare_no_more)

    def _connected(self, done: "asyncio.Task[None]", taken: socket.socket) -> None:
        """Let go of one that came to nothing: what is no TLS where that is spoken, say."""
        self._connecting.discard(done)
        error = None if done.cancelled() else done.exception()
        if done.cancelled() or error is not None:
            taken.close()
        if error is not None and not isinstance(error, OSError):
            log.error("a connection could not be served", exc_info=error)


class _Taken(socket.socket):
    """An accepted socket; `ended` is told when its descriptor is free."""

    def __init__(self, accepted: socket.socket, ended: Callable[[], None]) -> None:
        super().__init__(accepted.family, accepted.type, accepted.proto, fileno=accepted.detach())
        self.setblocking(False)
        self._ended: Callable[[], None] | None = ended

    def close(self) -> None:
        super().close()
        ended, self._ended = self._ended, None
        if ended is not None:
            ended()


class Site(BaseSite):
    """Where a runner's server listens."""

    __slots__ = ("_connections", "_host", "_port", "_tls")

    def __init__(
        self,
        runner: BaseRunner,
        connections: Connections,
        host: str,
        port: int,
        tls: ServerTls | None = None,
    ) -> None:
        """`tls`: None for plain HTTP."""
        super().__init__(runner)
        self._connections = connections
        self._host, self._port, self._tls = host, port, tls

    @property
    def name(self) -> str:
        """As a URL."""
        return f"{'https' if self._tls else 'http'}://{self._host}:{self._port}"

    async def start(self) -> None:
        """Listen. Raises OSError."""
        await super().start()
        loop = asyncio.get_running_loop()
        bound = await loop.create_server(
            asyncio.Protocol, self._host, self._port, start_serving=False
        )
        sockets = [socket.socket(fileno=os.dup(one.fileno())) for one in bound.sockets]
        bound.close()
        for listening in sockets:
            listening.setblocking(False)
            listening.listen(_BACKLOG)
        server = cast("Callable[[], asyncio.Protocol]", self._runner.server)
        made = Acceptor(sockets, server, self._connections, self._tls)
        self._server = cast("asyncio.AbstractServer", made)  # Which is asked for no more than that.
