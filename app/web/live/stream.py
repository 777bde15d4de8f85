"""One client of live views: its connection, from the snapshot to the end.

What is sent is always a view's newest state, so that nothing has to be queued but which views have
changed: a client that lags skips what it could not take, and what is held for it is one state of
each view and the connection's own small buffers.
"""

import asyncio
import re
import socket
from collections.abc import Sequence
from contextlib import suppress
from enum import StrEnum
from typing import cast

import msgspec
from aiohttp import web
from aiohttp.abc import AbstractStreamWriter
from aiohttp.http_writer import StreamWriter

from app.web.live.channel import Channel
from app.web.live.states import PROBLEM, State
from app.web.live.views import View, name_of

HEARTBEAT = 15.0
"""Seconds of silence after which a comment is sent, so that nobody between takes it for dead."""
SLOW = 10.0
"""Seconds that a client may take for what is sent at a time, before it is dropped."""
RETRY_MS = 2000
"""How long a client is asked to wait before it connects again."""
# Changes that come together are sent together.
_TOGETHER = 0.05
# How often to see whether the client has gone.
_LOOK = 1.0
# What the system keeps for a client that does not read: beyond that it waits, and skips.
_SEND_BUFFER = 64 * 1024
# Seconds to wait for a client to take the last event; and until one that does not is cut off.
_GOODBYE, _LAST_WORDS = 0.5, 5.0
_NOTHING = "-"
_ID = re.compile(r"[A-Za-z0-9_.-]{1,512}", re.ASCII)
HEADERS = {
    "Content-Type": "text/event-stream; charset=utf-8",
    "Cache-Control": "no-store",
    "X-Accel-Buffering": "no",
    "X-Content-Type-Options": "nosniff",
    "Server": "streamjoin",
}


class End(StrEnum):
    """Why a stream has ended."""

    GONE = "gone"
    SLOW = "slow-client"
    SHUTDOWN = "shutdown"


_SAID = {
    End.SLOW: "the client did not take what was sent in time: connect again for the newest state",
    End.SHUTDOWN: "this worker stops: connect again",
}


def frame(event: str, data: bytes, event_id: str | None = None) -> bytes:
    """Give an event as it goes over the wire; `data` has no line breaks (WHATWG HTML, 9.2)."""
    head = f"event: {event}\n" if event_id is None else f"id: {event_id}\nevent: {event}\n"
    return head.encode() + b"data: " + data + b"\n\n"


class Stream:
    """Sends the newest states of its views.

    An event's id says, for each view of the stream, which state the client has then: with it as
    `Last-Event-ID`, here or at another worker, it gets only what differs.
    """

    def __init__(
        self, watched: Sequence[tuple[View, Channel]], wake: asyncio.Event, last_id: str | None
    ) -> None:
        """`wake` is set when one of the channels changes; `last_id`: what the client has."""
        self._watched = watched
        self._wake = wake
        self._end: End | None = None
        # What the client has of each view, and which problem of it was told last.
        self._sent = _digests(last_id, len(watched))
        self._told: list[str | None] = [None] * len(watched)

    def end(self, reason: End) -> None:
        """Have it end."""
        self._end = self._end or reason
        self._wake.set()

    async def run(self, request: web.Request, response: web.StreamResponse) -> End:
        """Send until the client has gone, is too slow, or `end` is called; why it ended."""
        writer = await response.prepare(request)
        if writer is None or request.transport is None:
            return End.GONE
        _bound_buffers(request.transport)
        try:
            self.end(await self._send_all(request, writer))
        except TimeoutError:
            self.end(End.SLOW)
        except ConnectionError:
            self.end(End.GONE)
        reason = self._end or End.GONE
        await _say_why(request, writer, reason)
        return reason

    async def _send_all(self, request: web.Request, writer: AbstractStreamWriter) -> End:
        loop = asyncio.get_running_loop()
        data, last = b"retry: %d\n\n" % RETRY_MS, loop.time()
        while self._end is None:
            data += self._changes()
            if not data and loop.time() - last >= HEARTBEAT:
                data = b": heartbeat\n\n"
            if data:
                async with asyncio.timeout(SLOW):
                    await writer.write(data)
                    await writer.drain()
                data, last = b"", loop.time()
            if not await self._woken() and request.transport is None:
                return End.GONE
        return self._end

    async def _woken(self) -> bool:
        """Wait for a change, for some time; whether there is one."""
        try:
            async with asyncio.timeout(min(_LOOK, HEARTBEAT)):
                await self._wake.wait()
        except TimeoutError:
            return False
        if self._end is None:
            await asyncio.sleep(_TOGETHER)
        self._wake.clear()
        return True

    def _changes(self) -> bytes:
        """Give the frames of the views that the client does not have as they are."""
        frames = []
        for number, (view, channel) in enumerate(self._watched):
            state = channel.state
            if state is None:
                continue
            if state.problem:
                if state.digest != self._told[number]:
                    self._told[number] = state.digest
                    frames.append(_trouble(view, state))
            elif state.digest != self._sent[number] or self._told[number] is not None:
                self._sent[number], self._told[number] = state.digest, None
                frames.append(frame(name_of(view), state.body, ".".join(self._sent)))
        return b"".join(frames)


def _digests(last_id: str | None, count: int) -> list[str]:
    """Give the digests in an event's id; nothing of one that is not of such a stream."""
    if last_id is not None and _ID.fullmatch(last_id):
        given = last_id.split(".")
        if len(given) == count:
            return given
    return [_NOTHING] * count


def _trouble(view: View, state: State) -> bytes:
    return frame(PROBLEM, b'{"view":"%s","problem":%s}' % (name_of(view).encode(), state.body))


def _bound_buffers(transport: asyncio.Transport) -> None:
    """Have a write wait until the system has taken it, and the system not take much."""
    transport.set_write_buffer_limits(high=0)
    connection = transport.get_extra_info("socket")
    if connection is not None:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SEND_BUFFER)


async def _say_why(request: web.Request, writer: AbstractStreamWriter, reason: End) -> None:
    """Send the last event; a client that does not read it is cut off soon."""
    transport = request.transport
    if transport is None or reason is End.GONE:
        return
    detail = msgspec.json.encode({"reason": reason.value, "detail": _SAID[reason]})
    with suppress(ConnectionError, TimeoutError):
        async with asyncio.timeout(_GOODBYE):
            # A wait that ran out of time has spoilt aiohttp's way to wait: no more of that.
            last = cast("StreamWriter", writer)
            await last.write(frame("end", detail), drain=reason is not End.SLOW)
            if reason is not End.SLOW:
                await writer.write_eof()
    transport.close()
    asyncio.get_running_loop().call_later(_LAST_WORDS, transport.abort)
