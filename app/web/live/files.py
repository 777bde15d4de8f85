"""The page at `/`: files of this package, held in memory; nothing of them comes from outside."""

from functools import cache
from hashlib import blake2b
from pathlib import Path
from typing import NamedTuple

from aiohttp import web

from app.web.problems import ProblemError

PAGE = "/page/{name}"
_FOLDER = Path(__file__).parents[1] / "page"
_TYPES = {
    ".html": "text/html",
    ".css": "text/css",
    ".js": "text/javascript",
    ".svg": "image/svg+xml",
}
_INDEX = "index.html"
_HEADERS = {
    # Only what this worker serves is loaded or asked, and nothing within the page is run.
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
        "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    # Kept, and asked for again at each use: workers of two versions may serve one page.
    "Cache-Control": "no-cache",
}


class File(NamedTuple):
    """One of the page's files."""

    body: bytes
    content_type: str
    tag: str


@cache
def files() -> dict[str, File]:
    """Give the page's files by name."""
    found = {}
    for path in sorted(_FOLDER.iterdir()):
        content_type = _TYPES.get(path.suffix)
        if content_type is not None:
            body = path.read_bytes()
            found[path.name] = File(body, content_type, blake2b(body, digest_size=9).hexdigest())
    return found


async def serve_page(request: web.Request) -> web.StreamResponse:
    """Answer with the page."""
    return _answer(request, files()[_INDEX])


async def serve_file(request: web.Request) -> web.StreamResponse:
    """Answer with a file that the page names."""
    found = files().get(request.match_info["name"])
    if found is None:
        raise ProblemError(404, "there is nothing at this path")
    return _answer(request, found)


def _answer(request: web.Request, file: File) -> web.Response:
    headers = {**_HEADERS, "ETag": f'"{file.tag}"'}
    tags = {tag.value for tag in request.if_none_match or ()}
    if file.tag in tags:
        return web.Response(status=304, headers=headers)
    return web.Response(
        body=file.body, content_type=file.content_type, charset="utf-8", headers=headers
    )
