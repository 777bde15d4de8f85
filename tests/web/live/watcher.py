"""A client of `/v1/stream` that reads events as a browser would."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from decimal import Decimal
from typing import Any, NamedTuple

import aiohttp
from yarl import URL

PATIENCE = 240.0


class Event(NamedTuple):
    id: str | None
    type: str
    data: Any


class Watcher:
    """An open stream. `comments`: what came between the events; `retry`: in ms.

    `states`: the newest event of each type; none of a view after a problem with it.
    """

    def __init__(self, response: aiohttp.ClientResponse) -> None:
        self.response = response
        self.comments: list[str] = []
        self.retry: int | None = None
        self.states: dict[str, Event] = {}

    async def next(self) -> Event | None:
        """The next event, None at the end of the stream; fails rather than wait for long."""
        event = await self._read()
        if event is not None:
            self.states[event.type] = event
            if event.type == "problem":
                self.states.pop(event.data["view"], None)
        return event

    async def _read(self) -> Event | None:
        fields: dict[str, str] = {}
        async with asyncio.timeout(PATIENCE):
            while line := (await self.response.content.readline()).decode():
                name, colon, value = line.rstrip("\n").partition(":")
                if not name and not colon and "data" in fields:
                    data = json.loads(fields["data"], parse_float=Decimal)
                    return Event(fields.get("id"), fields["event"], data)
                if name:
                    fields[name] = value.removeprefix(" ")
                elif colon:
                    self.comments.append(value.strip())
                if name == "retry":
                    self.retry = int(value)
        return None

    async def until(self, kind: str, fits: Callable[[Any], bool] = lambda _: True) -> Event:
        """The newest event of this type, once there is one that fits."""
        async with asyncio.timeout(PATIENCE):
            while (event := self.states.get(kind)) is None or not fits(event.data):
                assert await self.next() is not None, f"the stream ended before {kind} came"
        return event


@asynccontextmanager
async def watching(
    url: str, query: str, last_id: str | None = None, key: str | None = None
) -> AsyncIterator[Watcher]:
    """Open a stream; `query`: percent-encoded."""
    headers = {} if last_id is None else {"Last-Event-ID": last_id}
    if key is not None:
        headers["Authorization"] = f"Bearer {key}"
    timeout = aiohttp.ClientTimeout(total=None, sock_connect=PATIENCE)
    async with (
        aiohttp.ClientSession(timeout=timeout, read_bufsize=2**22) as session,
        session.get(URL(f"{url}/v1/stream?{query}", encoded=True), headers=headers) as response,
    ):
        assert response.status == 200, await response.text()
        assert response.content_type == "text/event-stream"
        yield Watcher(response)
