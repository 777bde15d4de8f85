"""Paths of the live views: the stream, its questions between workers, the page."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import msgspec
from aiohttp import web

from app.web.handlers import partitions_of
from app.web.live import page, peer_states, rates
from app.web.live.hub import Hub
from app.web.live.rates import GroupRates
from app.web.live.streams import Streams
from app.web.live.views import views_of
from app.web.overall import Overall, Question
from app.web.peers import PREFIX


@dataclass(frozen=True)
class LiveHandlers:
    """The handlers of one worker, over what they ask."""

    streams: Streams
    hub: Hub
    rates: GroupRates
    overall: Overall
    questions: Iterable[Question[Any]]

    def routes(self) -> list[web.RouteDef]:
        """Give every path; those of peers answer from this worker's own state alone."""
        return [
            *page.routes(),
            web.get("/v1/stream", self.stream, allow_head=False),
            web.post(f"{PREFIX}{peer_states.PATH}", self.users_here),
            web.get(f"{PREFIX}{rates.PATH}", self.rates_here),
            *(web.get(f"{PREFIX}{one.path}", self._here(one)) for one in self.questions),
        ]

    def close(self) -> None:
        """End all streams: the worker stops."""
        self.streams.close()

    async def stream(self, request: web.Request) -> web.StreamResponse:
        """Send views as Server-Sent Events (WHATWG HTML, 9.2)."""
        return await self.streams.serve(request, views_of(request.query))

    async def users_here(self, request: web.Request) -> web.StreamResponse:
        """Answer a peer about users of this worker's partitions."""
        return _json(await peer_states.answer_peer(self.hub.users, await request.read()))

    async def rates_here(self, request: web.Request) -> web.StreamResponse:
        """Answer a peer with what this worker has counted."""
        return _json(self.rates.here())

    def _here(self, question: Question[Any]) -> Any:  # noqa: ANN401
        async def handler(request: web.Request) -> web.StreamResponse:
            found = await self.overall.local(question, partitions_of(request))
            return _json(msgspec.json.encode(found))

        return handler


def _json(body: bytes) -> web.Response:
    return web.Response(body=body, content_type="application/json")
