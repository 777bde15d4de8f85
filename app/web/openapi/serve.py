"""Serves the document and its reader; both are the same for everybody, and hold no data."""

from aiohttp import web

from app.web.openapi.document import document, text
from app.web.openapi.reader import page
from app.web.static import HTML, JSON, File, Static, file_of, packaged


def routes() -> list[web.RouteDef]:
    """Give the paths of the document and its reader."""
    static = Static()
    return [
        web.get("/openapi.json", static.one(_document)),
        web.get("/docs", static.one(_reader)),
        web.get("/docs/{name}", static.named(lambda: packaged("app.web.openapi"))),
    ]


def _document() -> File:
    return file_of(text().encode(), JSON)


def _reader() -> File:
    return file_of(page(document()).encode(), HTML)
