"""Faust's web server with our application in it, and none of Faust's own pages."""

import asyncio
import os
import socket
from typing import Any, cast

from aiohttp import web
from aiohttp.web_protocol import RequestHandler
from aiohttp.web_server import Server
from faust.web.drivers.aiohttp import Web

from app.errors import UserError
from app.web import problems
from app.web.acceptor import Site
from app.web.connection import Connection, Why
from app.web.connections import Connections
from app.web.problems import ProblemError, finished
from app.web.tls import ServerTls

# Seconds that requests under way get when the worker stops.
_STOP = 2.0
# Seconds that a connection that has shown a key may rest: longer than proxies keep theirs.
_KEEPALIVE = 75.0
MAX_HEAD = 32 * 1024
"""Bytes that a request's head may have."""
# Headers of a request, and bytes of its first line and of each header.
_MAX_HEADERS, _MAX_LINE = 100, 8190
# Bytes of an answer that are held for a client before it counts as one that reads slowly.
_UNREAD = 32 * 1024
# Bytes that the system takes for a client beyond what is on its way to it.
_NOT_SENT = 128 * 1024


class QuietHandler(RequestHandler):
    """aiohttp's handler of a connection, whose connection is known to `Connections`.

    What is no HTTP is answered with a problem, and leaves nothing in the log: aiohttp would quote
    it there.
    """

    __slots__ = ("_connections", "_head", "connection")
    connection: Connection

    def __init__(self, connections: Connections, manager: Server, **how: Any) -> None:  # noqa: ANN401
        """`connection` has to be set before it is connected."""
        super().__init__(manager, **how)
        self._connections = connections
        self._head = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Have its end, and what it does not read, be known."""
        super().connection_made(transport)
        made = self.transport
        if made is not None:
            self.connection.cut_by(made.abort)
            made.set_write_buffer_limits(high=_UNREAD)
            plain = made.get_extra_info("socket")
            with_limit = getattr(socket, "TCP_NOTSENT_LOWAT", None)
            if with_limit is not None:
                plain.setsockopt(socket.IPPROTO_TCP, with_limit, _NOT_SENT)

    def connection_lost(self, exc: BaseException | None) -> None:
        """Wait no more for its client."""
        self._connections.reads(self.connection)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take what has come; a head may not grow for ever."""
        before = self._request_count
        super().data_received(data)
        if self._request_count != before:
            self._head = 0
            self.connection.asked = self.connection.busy = True
            self.connection.spare_no_more()
        elif self._waiter is not None and not self._messages:
            self._head += len(data)
            if self._head > MAX_HEAD:
                self._connections.close(self.connection, Why.LARGE_HEAD)

    def pause_writing(self) -> None:
        """Note that the client does not take what is written for it."""
        super().pause_writing()
        if self.transport is not None:
            self._connections.reads_slowly(self.connection, self.transport.get_write_buffer_size)

    def resume_writing(self) -> None:
        """Note that it does again."""
        super().resume_writing()
        self._connections.reads(self.connection)

    def shown_key(self) -> bool:
        """Note that a request has shown a key; whether there is room for such a connection."""
        return self._connections.shown_key(self.connection)

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """Answer what could not be parsed."""
        if request.writer.output_size > 0:
            raise ConnectionError("an answer is under way already")
        response = ProblemError(status, "the request is not valid HTTP/1.1").response()
        response.force_close()
        return finished(response)


class QuietServer(Server):
    """Makes a `QuietHandler` for each connection."""

    def __init__(self, connections: Connections, made: Server) -> None:
        """`made`: what aiohttp has made of the application."""
        super().__init__(
            self._served,
            request_factory=made.request_factory,
            loop=asyncio.get_running_loop(),
            **made._kwargs,
        )
        self._all = connections
        self._serve = made.request_handler

    def __call__(self) -> QuietHandler:
        """Make a handler."""
        return QuietHandler(self._all, self, loop=self._loop, **self._kwargs)

    async def _served(self, request: web.BaseRequest) -> web.StreamResponse:
        connection = cast("QuietHandler", request.protocol).connection
        connection.busy = True
        self._all.active(connection)
        try:
            return await self._serve(request)
        except web.HTTPException as error:
            # What aiohttp refuses before our application is asked: an unknown `Expect`.
            return finished(problems.of_status(error).response())
        finally:
            connection.busy = False
            self._all.active(connection)


class QuietRunner(web.AppRunner):
    """Runs an application on a `QuietServer`, with the limits of this module."""

    __slots__ = ("connections",)

    def __init__(self, web_app: web.Application, connections: Connections) -> None:
        """`web_app`: what is served."""
        super().__init__(
            web_app,
            access_log=None,
            shutdown_timeout=_STOP,
            keepalive_timeout=_KEEPALIVE,
            lingering_time=_STOP,
            auto_decompress=False,
            max_line_size=_MAX_LINE,
            max_field_size=_MAX_LINE,
            max_headers=_MAX_HEADERS,
        )
        self.connections = connections

    async def _make_server(self) -> Server:
        return QuietServer(self.connections, await super()._make_server())

    async def cleanup(self) -> None:
        """Stop."""
        await super().cleanup()
        self.connections.stop()


class WebServer(Web):
    """Faust's web service: started by its boot strategy before the consumer, stopped after it."""

    def __init__(
        self,
        app: Any,  # noqa: ANN401 (Faust's AppT)
        web_app: web.Application,
        connections: Connections,
        tls: ServerTls | None,
    ) -> None:
        """`web_app`: what is served; nothing is added to it. `tls`: None for plain HTTP."""
        super().__init__(app)
        self.web_app = web_app
        self._tls = tls
        self._connections = connections
        self._runner = QuietRunner(web_app, connections)

    async def start_server(self) -> None:
        """Listen. Raises UserError where the port is taken or the address is not this machine's."""
        conf = self.app.conf
        try:
            await self._runner.setup()
            await Site(
                self._runner, self._connections, conf.web_bind, conf.web_port, self._tls
            ).start()
        except OSError as error:
            reason = os.strerror(error.errno or 0)
            raise UserError(
                f"cannot serve on {conf.web_bind} port {conf.web_port} ({reason}): name "
                "another with --web-host, --web-port (STREAMJOIN_WEB_PORT)"
            ) from error

    def _enabled_blueprints(self) -> list[Any]:
        return []
