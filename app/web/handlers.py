"""Every path and its handler."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

import msgspec
from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST

from app.keys import Scope
from app.observability.metrics import Metrics
from app.web.access import Access
from app.web.health import Health
from app.web.overall import (
    Overall,
    Parts,
    Question,
    before,
    merge_revenue,
    merge_totals,
    revenue_question,
    totals_question,
)
from app.web.parameters import (
    FOREVER,
    MAX_LIMIT,
    Span,
    checked_user,
    cursor_of,
    limit_of,
    one,
    span_of,
    user_of,
)
from app.web.peers import PREFIX
from app.web.problems import bad_parameter, unavailable
from app.web.user_view import Selection, UserView
from app.web.user_views import USER_VIEWS
from app.web.users import Users
from models.answers import Answer
from models.encoding import encode
from tables.rules import Rules

P = TypeVar("P")
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
# A user may be empty, or hold encoded slashes and braces: it is read from the raw path.
_USER = "{user_id:[^/]*}"


def answered(answer: Answer) -> web.Response:
    """Give an answer as JSON."""
    return web.Response(body=encode(answer), content_type="application/json")


@dataclass(frozen=True)
class Handlers:
    """The handlers of one worker, over what they ask."""

    users: Users
    overall: Overall
    health: Health
    access: Access
    metrics: Metrics
    rules: Rules

    def routes(self) -> list[web.RouteDef]:
        """Give every path; those of peers answer from this worker's own state alone."""
        routes = [
            web.get("/livez", self.livez),
            web.get("/readyz", self.readyz),
            web.get("/metrics", self.metrics_text),
            web.get("/v1/totals", self.totals),
            web.get("/v1/revenue", self.revenue),
            web.get(f"{PREFIX}/v1/totals", self.totals_here),
            web.get(f"{PREFIX}/v1/revenue", self.revenue_here),
        ]
        for view in USER_VIEWS:
            routes.append(web.get(f"/v1/users/{_USER}/{view.name}", self._user_anywhere(view)))
            routes.append(web.get(f"{PREFIX}/v1/users/{view.name}", self._user_here(view)))
        return routes

    def _user_anywhere(self, view: UserView) -> Handler:
        async def handler(request: web.Request) -> web.StreamResponse:
            user, wanted = user_of(request.rel_url.raw_path), view.select(request.query)
            return await self.users.anywhere(view, user, wanted)

        return handler

    def _user_here(self, view: UserView) -> Handler:
        async def handler(request: web.Request) -> web.StreamResponse:
            user = checked_user((one(request.query, "user_id") or "").encode())
            wanted = Selection(_span(request), _number(request, "limit", MAX_LIMIT))
            return await self.users.here(view, user, wanted)

        return handler

    async def totals(self, request: web.Request) -> web.StreamResponse:
        """Answer with everybody's totals."""
        return await self._overall(totals_question(), merge_totals)

    async def revenue(self, request: web.Request) -> web.StreamResponse:
        """Answer with a page of windows over all users, the newest first."""
        limit = limit_of(request.query)
        span = before(span_of(request.query), cursor_of(request.query))
        question = revenue_question(self.rules, span, limit + 1)
        return await self._overall(question, lambda found: merge_revenue(found, limit))

    async def _overall(
        self, question: Question[P], merge: Callable[[Parts[P]], Answer]
    ) -> web.Response:
        turns = self.overall.turns
        with turns.callers.take():
            found = some(await self.overall.ask(question))
            return await turns.run(lambda: answered(merge(found)))

    async def totals_here(self, request: web.Request) -> web.StreamResponse:
        """Answer a peer with the totals of the partitions it asks for."""
        return await self._here(request, totals_question())

    async def revenue_here(self, request: web.Request) -> web.StreamResponse:
        """Answer a peer with the windows of the partitions it asks for."""
        span = _span(request)
        limit = _number(request, "limit", MAX_LIMIT + 1)
        return await self._here(request, revenue_question(self.rules, span, limit))

    async def _here(self, request: web.Request, question: Question[P]) -> web.Response:
        with self.overall.turns.peers.take():
            found = await self.overall.local(question, partitions_of(request))
        return web.Response(body=msgspec.json.encode(found), content_type="application/json")

    async def livez(self, request: web.Request) -> web.StreamResponse:
        """Answer: the event loop does. The broker is not asked."""
        return answered(self.health.alive())

    async def readyz(self, request: web.Request) -> web.StreamResponse:
        """Answer whether the worker is ready; the details to those who may read."""
        details = self.access.allows(request.headers.get("Authorization"), Scope.READ)
        readiness = self.health.readiness(details=details)
        if not readiness.ready:
            raise unavailable("not-ready", "; ".join(readiness.reasons), readiness)
        return answered(readiness)

    async def metrics_text(self, request: web.Request) -> web.StreamResponse:
        """Answer in Prometheus' text format."""
        headers = {"Content-Type": CONTENT_TYPE_LATEST}
        return web.Response(body=self.metrics.text(), headers=headers)


def some(parts: Parts[P]) -> Parts[P]:
    """Give the parts, if there are any. Raises ProblemError 503 where nobody answered at all."""
    if not parts.found:
        raise unavailable("no-owner", "no partition's owner answers: the group is rebalancing")
    return parts


def _number(request: web.Request, name: str, highest: int) -> int:
    text = one(request.query, name) or ""
    if not (text.isascii() and text.isdigit() and len(text) < 20 and int(text) <= highest):
        raise bad_parameter(name, f"must be a whole number up to {highest}")
    return int(text)


def _span(request: web.Request) -> Span:
    return Span(_number(request, "low", FOREVER), _number(request, "high", FOREVER))


def partitions_of(request: web.Request) -> list[int]:
    """Give the partitions that a peer asks for."""
    listed = (one(request.query, "partitions") or "").split(",")
    if not all(text.isascii() and text.isdigit() and len(text) < 6 for text in listed):
        raise bad_parameter("partitions", "must be numbers with commas between them")
    return sorted({int(text) for text in listed})
