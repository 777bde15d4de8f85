"""The files of both pages, the live one and the document's reader: how they are served."""

import pytest

from app.web.live.page import files
from tests.web.asking import asking
from tests.web.group import Member, State, serving

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src {}; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
LIVE = ("/", *(f"/page/{name}" for name in sorted(files())))
READER = ("/docs", "/docs/reader.css", "/docs/reader.js", "/openapi.json")
IMAGES = dict.fromkeys(LIVE, "'self'") | dict.fromkeys(READER, "'none'")
TYPES = {
    "/": "text/html; charset=utf-8",
    "/docs": "text/html; charset=utf-8",
    "/docs/reader.css": "text/css; charset=utf-8",
    "/docs/reader.js": "text/javascript; charset=utf-8",
    "/openapi.json": "application/json",
    "/page/icon.svg": "image/svg+xml; charset=utf-8",
    "/page/page.js": "text/javascript; charset=utf-8",
    "/page/style.css": "text/css; charset=utf-8",
}


@pytest.mark.parametrize("key", [None, "secret"])
async def test_they_are_open_and_under_strict_headers(key: str | None) -> None:
    async with serving(Member(1, {0: State(0)}), key) as url, asking(url) as [asker]:
        for path, images in IMAGES.items():
            reply = await asker.get(path)
            assert reply.status == 200
            assert reply.headers["Content-Type"] == TYPES.get(path, reply.headers["Content-Type"])
            expected = {
                "Content-Security-Policy": POLICY.format(images),
                "Referrer-Policy": "no-referrer",
                "Cross-Origin-Opener-Policy": "same-origin",
                "Cross-Origin-Resource-Policy": "same-origin",
                "Cache-Control": "no-cache",
                "X-Content-Type-Options": "nosniff",
            }
            assert {name: reply.headers.get(name) for name in expected} == expected


@pytest.mark.parametrize("path", IMAGES)
async def test_one_that_a_browser_has_is_not_sent_again(path: str) -> None:
    async with serving(Member(1, {0: State(0)})) as url, asking(url) as [asker]:
        tag = (await asker.get(path)).headers["ETag"]
        for known in (tag, f"W/{tag}", f'"other", {tag}', "*"):
            again = await asker.get(path, headers={"If-None-Match": known})
            assert (again.status, again.body, again.headers["ETag"]) == (304, "", tag)
            assert "default-src 'none'" in again.headers["Content-Security-Policy"]
        for other in ('"other"', "nonsense"):
            whole = await asker.get(path, headers={"If-None-Match": other})
            assert (whole.status, bool(whole.body)) == (200, True)


async def test_nothing_else_of_the_folders_is_there() -> None:
    async with serving(Member(1, {0: State(0)})) as url, asking(url) as [asker]:
        for name in ("serve.py", "__init__.py", "..%2Fstatic.py", "index.html", ""):
            assert (await asker.get(f"/docs/{name}")).status == 404


def test_every_file_has_a_tag_of_its_own() -> None:
    assert len({file.tag for file in files().values()}) == len(files())
