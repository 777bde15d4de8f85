"""Counts every request, by the path of its route, and times those whose answers end."""

import time

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from app.observability.metrics import Metrics
from app.web.openapi.endpoints import STREAMS

_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_OTHER = "other"
# What a client sends that has left before its answer; nginx's number for it.
_LEFT = 499


def measure(metrics: Metrics) -> Middleware:
    """Make the middleware; to be the outermost, so that errors are counted as answered."""

    @web.middleware
    async def measured(request: web.Request, handler: Handler) -> web.StreamResponse:
        began, status = time.monotonic(), _LEFT
        try:
            response = await handler(request)
            status = response.status
        finally:
            method = request.method if request.method in _METHODS else _OTHER
            path, seconds = path_of(request), time.monotonic() - began
            metrics.answered(method, path, status, None if path in STREAMS else seconds)
        return response

    return measured


def path_of(request: web.Request) -> str:
    """Give the path of the request's route: never the request's own, which may name a user."""
    resource = request.match_info.route.resource
    return _OTHER if resource is None else resource.canonical
