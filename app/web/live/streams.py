"""The streams of one worker: how many there are, and that they end with it."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

from aiohttp import web

from app.observability.metrics import Metrics
from app.web.live.hub import Hub
from app.web.live.stream import HEADERS, End, Stream
from app.web.live.views import View
from app.web.problems import ProblemError, unavailable

_LATER = 10
"""Seconds after which one that was refused may ask again."""
LAST_EVENT_ID = "Last-Event-ID"


class Streams:
    """Serves clients, `limit` at a time."""

    def __init__(self, hub: Hub, limit: int, metrics: Metrics) -> None:
        """See the class."""
        self._hub = hub
        self._limit = limit
        self._metrics = metrics
        self._open: set[Stream] = set()
        self._closed = False

    async def serve(self, request: web.Request, views: list[View]) -> web.StreamResponse:
        """Send views until one of the two sides ends it. ProblemError 503 beyond the limit."""
        self._admit()
        response = web.StreamResponse(headers=HEADERS)
        response.force_close()
        wake = asyncio.Event()
        watched = [(view, self._hub.watch(view, wake)) for view in views]
        stream = Stream(watched, wake, request.headers.get(LAST_EVENT_ID))
        with self._counted(stream):
            try:
                reason = await stream.run(request, response)
            finally:
                for view in views:
                    self._hub.leave(view, wake)
        self._metrics.stream_ended(reason.value)
        return response

    def close(self) -> None:
        """End all streams, and take no more."""
        self._closed = True
        for stream in self._open:
            stream.end(End.SHUTDOWN)

    def _admit(self) -> None:
        if self._closed:
            raise unavailable("not-ready", "this worker is stopping")
        if len(self._open) >= self._limit:
            self._metrics.stream_ended("refused")
            detail = f"{self._limit} clients watch this worker already (setting stream_clients)"
            headers = {"Retry-After": str(_LATER)}
            raise ProblemError(503, detail, "too-many-clients", headers=headers)

    @contextmanager
    def _counted(self, stream: Stream) -> Iterator[None]:
        self._open.add(stream)
        self._metrics.streaming(len(self._open))
        try:
            yield
        finally:
            self._open.discard(stream)
            self._metrics.streaming(len(self._open))
