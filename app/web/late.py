"""Answers between workers that take longer than a silent worker is waited for.

A user's view may hold tens of megabytes, and waits for its turns. So an owner that has not answered
within `PAUSE` begins an answer of the type `LATE`: spaces as long as it works, and then the real
one with its head in its first lines. Who asks sees that the owner lives.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final, NamedTuple

from aiohttp import web
from aiohttp.typedefs import Middleware

from app.proofs import HEADER

LATE: Final = "application/vnd.streamjoin.late"
PAUSE = 0.5
"""Seconds until the first space, and between two."""
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Head(NamedTuple):
    """An answer without its body; each member as its header says it, empty where there is none."""

    status: int
    content_type: str
    retry_after: str
    proof: str


def tell_of_long_work(prefix: str) -> Middleware:
    """Make the middleware for paths that begin with `prefix`; outside of what proves answers."""

    @web.middleware
    async def tell(request: web.Request, handler: Handler) -> web.StreamResponse:
        if not request.path.startswith(prefix) or request.can_read_body:
            return await handler(request)
        working = asyncio.ensure_future(handler(request))
        try:
            done, _ = await asyncio.wait([working], timeout=PAUSE)
            return working.result() if done else await _late(request, working)
        finally:
            working.cancel()

    return tell


async def _late(
    request: web.Request, working: asyncio.Future[web.StreamResponse]
) -> web.StreamResponse:
    late = web.StreamResponse(headers={"Content-Type": LATE})
    await late.prepare(request)
    while not working.done():
        await late.write(b" ")
        await asyncio.wait([working], timeout=PAUSE)
    answer = working.result()
    fields = [answer.headers.get(name, "") for name in ("Content-Type", "Retry-After", HEADER)]
    await late.write("\n".join([str(answer.status), *fields, ""]).encode())
    if isinstance(answer, web.Response) and isinstance(answer.body, bytes):
        await late.write(answer.body)
    await late.write_eof()
    return late


def unpack(body: bytes) -> tuple[Head, bytes]:
    """Give the real answer in a late one. Raises ValueError."""
    status, kind, later, proof, rest = body.split(b"\n", 4)
    return Head(int(status), kind.decode(), later.decode(), proof.decode()), rest
