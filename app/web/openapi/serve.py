"""Serves the document and its reader; both are the same for everybody, and hold no data."""

from functools import cache
from importlib.resources import files

from aiohttp import web

from app.web.openapi.document import document, text
from app.web.openapi.reader import page

_ASSETS = {"reader.css": "text/css", "reader.js": "text/javascript"}
_POLICY = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; script-src 'self'; "
    "connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
}
"""What the reader's page may load: nothing from outside."""


def routes() -> list[web.RouteDef]:
    """Give the paths of the document and its reader."""
    return [
        web.get("/openapi.json", _document),
        web.get("/docs", _reader),
        web.get("/docs/{asset}", _asset),
    ]


@cache
def _encoded() -> bytes:
    return text().encode()


@cache
def _page() -> str:
    return page(document())


@cache
def _file(name: str) -> str:
    return (files(__package__) / name).read_text(encoding="utf-8")


async def _document(request: web.Request) -> web.StreamResponse:
    return web.Response(body=_encoded(), content_type="application/json")


async def _reader(request: web.Request) -> web.StreamResponse:
    return web.Response(text=_page(), content_type="text/html", headers=_POLICY)


async def _asset(request: web.Request) -> web.StreamResponse:
    kind = _ASSETS.get(request.match_info["asset"])
    if kind is None:
        raise web.HTTPNotFound
    return web.Response(text=_file(request.match_info["asset"]), content_type=kind)
