"""The page at `/` and its files: those of `app/web/page`."""

from functools import cache

from aiohttp import web

from app.web.static import File, Static, packaged

_INDEX = "index.html"


@cache
def files() -> dict[str, File]:
    """Give the page's files by name."""
    return packaged("app.web", "page")


def routes() -> list[web.RouteDef]:
    """Give the paths of the page."""
    static = Static(images="'self'")
    return [
        web.get("/", static.one(lambda: files()[_INDEX])),
        web.get("/page/{name}", static.named(files)),
    ]
