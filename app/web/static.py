"""What a browser gets that is the same for everybody: pages and their files, held in memory.

They hold no data and need no key, and nothing of them comes from outside.
"""

from collections.abc import Awaitable, Callable, Mapping
from functools import cache
from hashlib import blake2b
from importlib.resources import files
from pathlib import PurePath
from typing import NamedTuple

from aiohttp import web

from app.web.problems import ProblemError

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

HTML, JSON = "text/html", "application/json"
_TYPES = {
    ".html": HTML,
    ".css": "text/css",
    ".js": "text/javascript",
    ".svg": "image/svg+xml",
}
_ANY = "*"
_HEADERS = {
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    # Kept, and asked for again at each use: workers of two versions may serve one page.
    "Cache-Control": "no-cache",
}


class File(NamedTuple):
    """One file; `tag` tells it from the same file of another version."""

    body: bytes
    content_type: str
    tag: str


def file_of(body: bytes, content_type: str) -> File:
    """Give a file of this content."""
    return File(body, content_type, blake2b(body, digest_size=9).hexdigest())


def packaged(package: str, folder: str = "") -> dict[str, File]:
    """Give what browsers may get of a package's files, or of a folder's in it, by name."""
    found = {}
    for path in sorted((files(package) / folder).iterdir(), key=lambda one: one.name):
        content_type = _TYPES.get(PurePath(path.name).suffix)
        if content_type is not None:
            found[path.name] = file_of(path.read_bytes(), content_type)
    return found


class Static:
    """Makes handlers that answer with files, all of them under one content security policy.

    Only what this worker serves is loaded or asked, and nothing that stands within a page is run.
    Files are read or made at the first request, and once.
    """

    def __init__(self, images: str = "'none'") -> None:
        """`images`: where images may come from, as the policy says it."""
        policy = (
            "default-src 'none'; script-src 'self'; style-src 'self'; "
            f"img-src {images}; connect-src 'self'; "
            "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
        )
        self._headers = {"Content-Security-Policy": policy, **_HEADERS}

    def one(self, make: Callable[[], File]) -> Handler:
        """Answer with one file."""
        made = cache(make)

        async def handler(request: web.Request) -> web.StreamResponse:
            return self._answer(request, made())

        return handler

    def named(self, make: Callable[[], Mapping[str, File]]) -> Handler:
        """Answer with the file that `name` in the path names; ProblemError 404 for others."""
        made = cache(make)

        async def handler(request: web.Request) -> web.StreamResponse:
            found = made().get(request.match_info["name"])
            if found is None:
                raise ProblemError(404, "there is nothing at this path")
            return self._answer(request, found)

        return handler

    def _answer(self, request: web.Request, file: File) -> web.Response:
        headers = {**self._headers, "ETag": f'"{file.tag}"'}
        tags = {tag.value for tag in request.if_none_match or ()}
        if tags & {file.tag, _ANY}:
            return web.Response(status=304, headers=headers)
        # JSON is UTF-8 and takes no charset (RFC 8259, 11).
        charset = None if file.content_type == JSON else "utf-8"
        return web.Response(
            body=file.body, content_type=file.content_type, charset=charset, headers=headers
        )
