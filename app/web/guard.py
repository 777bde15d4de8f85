"""What every request goes through: who may ask, how much it may bring, how errors are answered."""

import asyncio
from collections.abc import Awaitable, Callable
from urllib.parse import urlsplit

from aiohttp import web
from aiohttp.typedefs import Middleware

from app.hosts import host_of, is_loopback
from app.keys import KeyFailure, Scope
from app.web import problems
from app.web.access import Access
from app.web.peers import PREFIX
from app.web.problems import ProblemError, unavailable
from app.web.server import QuietHandler

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

MAX_BODY = 64 * 1024
"""Bytes that a request's body may have."""
# Seconds in which a body must have come.
_BODY_SECONDS = 5.0
OPEN = ("/livez", "/readyz", "/", "/page/{name}", "/openapi.json", "/docs", "/docs/{name}")
"""Paths that need no key: probes have none, pages hold no data, and the live one asks for a key."""
# After these the rest of the request is not waited for.
_CLOSING = (408, 413)
_SCOPES = {"/metrics": Scope.METRICS}


@web.middleware
async def answer_errors(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Answer every error as a problem, and let nobody keep or guess at an answer."""
    response: web.StreamResponse
    try:
        response = await handler(request)
    except ProblemError as error:
        response = error.response()
    except web.HTTPException as error:
        response = problems.of_status(error).response()
    except Exception as error:
        response = problems.of_bug(error).response()
    if response.status in _CLOSING:
        response.force_close()
    return problems.finished(response)


@web.middleware
async def bound_body(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Refuse a body that is too large or too slow; a small one is read and ignored."""
    if (request.content_length or 0) > MAX_BODY:
        raise problems.too_large()
    if request.can_read_body:
        try:
            async with asyncio.timeout(_BODY_SECONDS):
                await request.read()
        except web.HTTPRequestEntityTooLarge:
            raise problems.too_large() from None
        except TimeoutError:
            raise ProblemError(408, "the request's body did not come in time") from None
    return await handler(request)


def authorise(access: Access, failed: Callable[[KeyFailure], None]) -> Middleware:
    """Make the middleware that lets in clients by key; `failed` counts those that it does not."""

    def check(authorization: str | None, path: str) -> None:
        opened, scope = access.scopes(authorization), _SCOPES.get(path, Scope.READ)
        if not opened:
            failed(access.failure(authorization))
            headers = {"WWW-Authenticate": 'Bearer realm="streamjoin"'}
            raise ProblemError(401, "send `Authorization: Bearer KEY`", headers=headers)
        if scope not in opened:
            failed(KeyFailure.SCOPE)
            raise ProblemError(403, f"this key does not open the scope {scope}", "scope")

    @web.middleware
    async def let_in(request: web.Request, handler: Handler) -> web.StreamResponse:
        path = _path(request)
        # Other workers have no such key: `peer_guard` lets them in.
        if path not in OPEN and not path.startswith(f"{PREFIX}/"):
            check(request.headers.get("Authorization"), path)
        return await handler(request)

    return let_in


def _path(request: web.Request) -> str:
    resource = request.match_info.route.resource
    return resource.canonical if resource is not None else ""


@web.middleware
async def admit(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Have a connection stay on which a client or a worker has been let in; to be the innermost.

    Raises ProblemError 503 where there are too many of these.
    """
    protocol = request.protocol
    let_in = _path(request) not in OPEN
    if let_in and isinstance(protocol, QuietHandler) and not protocol.shown_key():
        raise unavailable(
            "too-many-connections",
            "this worker has as many connections under way as it takes (setting web_connections)",
        )
    return await handler(request)


@web.middleware
async def demand_certificate(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Answer 403 where a client has shown no certificate; the open paths want none."""
    transport = request.transport
    shown = transport is not None and transport.get_extra_info("peercert")
    if _path(request) not in OPEN and not shown:
        raise ProblemError(
            403, "show a certificate that tls_client_ca_file has signed", "certificate-required"
        )
    return await handler(request)


class OwnHosts:
    """The names that are answered for where no key is asked for: loopback's and the worker's own.

    A web site whose name leads to 127.0.0.1 would else have a browser read everything to it (DNS
    rebinding); its requests carry its name.
    """

    def __init__(self, url: str) -> None:
        """`url`: what is advertised to other workers."""
        self._own = (urlsplit(url).hostname or "").lower()

    @web.middleware
    async def check(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Answer 421 to a request for another host; one that names none is no browser's."""
        host = host_of(request.headers.get("Host", "localhost"))
        if host != self._own and not is_loopback(host):
            raise ProblemError(
                421,
                "without a key this worker answers for localhost, loopback addresses and its "
                "advertised_url alone",
                "not-this-host",
            )
        return await handler(request)
