"""Faust's web server with our application in it, and none of Faust's own pages."""

import asyncio
import os
from typing import Any

from aiohttp import web
from aiohttp.web_protocol import RequestHandler
from aiohttp.web_server import Server
from faust.web.drivers.aiohttp import Web

from app.errors import UserError
from app.web.problems import ProblemError

# Seconds that requests under way get when the worker stops.
_STOP = 2.0
# Seconds that an unused connection stays open: longer than proxies keep theirs.
_KEEPALIVE = 75.0
HEAD_SECONDS = 10.0
"""Seconds from a connection's opening in which the head of its first request must have come."""


class QuietHandler(RequestHandler):
    """aiohttp's handler of a connection.

    What is no HTTP is answered with a problem, and leaves nothing in the log: aiohttp would quote
    it there. One that asks nothing, or sends a request's head byte by byte, is closed after
    `HEAD_SECONDS`: aiohttp would let it stay as long as one that has asked.
    """

    __slots__ = ("_head_timer",)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin to wait for the first request."""
        super().connection_made(transport)
        self._head_timer = self._loop.call_later(HEAD_SECONDS, self._close_if_unasked)

    def connection_lost(self, exc: BaseException | None) -> None:
        """Wait no more."""
        self._head_timer.cancel()
        super().connection_lost(exc)

    def _close_if_unasked(self) -> None:
        if not self._request_count:
            self.force_close()

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
        return response


class QuietServer(Server):
    """Makes a `QuietHandler` for each connection."""

    def __call__(self) -> RequestHandler:
        """Make a handler."""
        return QuietHandler(self, loop=self._loop, **self._kwargs)


class QuietRunner(web.AppRunner):
    """Runs an application on a `QuietServer`, with the limits of this module."""

    __slots__ = ()

    def __init__(self, web_app: web.Application) -> None:
        """`web_app`: what is served."""
        super().__init__(
            web_app,
            access_log=None,
            shutdown_timeout=_STOP,
            keepalive_timeout=_KEEPALIVE,
            lingering_time=_STOP,
            auto_decompress=False,
        )

    async def _make_server(self) -> Server:
        made = await super()._make_server()
        return QuietServer(
            made.request_handler,
            request_factory=made.request_factory,
            loop=asyncio.get_running_loop(),
            **made._kwargs,
        )


class WebServer(Web):
    """Faust's web service: started by its boot strategy before the consumer, stopped after it."""

    def __init__(self, app: Any, web_app: web.Application) -> None:  # noqa: ANN401 (Faust's AppT)
        """`web_app`: what is served; nothing is added to it."""
        super().__init__(app)
        self.web_app = web_app
        self._runner = QuietRunner(web_app)

    async def start_server(self) -> None:
        """Listen. Raises UserError where the port is taken or the address is not this machine's."""
        try:
            await super().start_server()
        except OSError as error:
            conf, reason = self.app.conf, os.strerror(error.errno or 0)
            raise UserError(
                f"cannot serve on {conf.web_bind} port {conf.web_port} ({reason}): name "
                "another with --web-host, --web-port (STREAMJOIN_WEB_PORT)"
            ) from error

    def _enabled_blueprints(self) -> list[Any]:
        return []
