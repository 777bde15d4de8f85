"""The page's files: what is served, and that nothing of it comes from outside."""

import re
from hashlib import sha256

import pytest

from app.web.live.files import _FOLDER, files
from tests.web.asking import asking
from tests.web.group import Member, State, serving

VENDORED = {
    "uplot.js": "19c8d4c6ad88929a79f4ae49d6f7161566dfd0ba3d15cc495e974f787eb78f1f",
    "uplot.css": "df630c6a8d6f8eeaff264b50f73ce5b114f646ffd9a0bb74f049b0a00135fa04",
}
"""npm's uplot 1.6.32, `dist/uPlot.iife.min.js` and `dist/uPlot.min.css`, by SHA-256."""


@pytest.mark.parametrize("key", [None, "secret"])
async def test_they_are_open_and_kept_by_their_tags(key: str | None) -> None:
    async with serving(Member(1, {0: State(0)}), key) as url, asking(url) as [asker]:
        for path in ("/", *(f"/page/{name}" for name in files())):
            reply = await asker.get(path)
            assert reply.status == 200
            assert "default-src 'none'" in reply.headers["Content-Security-Policy"]
            again = await asker.get(path, headers={"If-None-Match": reply.headers["ETag"]})
            assert (again.status, again.body) == (304, "")
        for name in ("nothing.js", "README.md", "..%2Finstall.py", "uplot-LICENSE.txt"):
            assert (await asker.get(f"/page/{name}")).status == 404


def test_whatever_they_name_is_one_of_them() -> None:
    for name, file in files().items():
        text = file.body.decode()
        if name in VENDORED:
            continue
        named = re.findall(r"""(?:from|import|href=|src=)\s*["'](?:/page/|\./)([^"']+)""", text)
        assert set(named) <= files().keys()
        assert not re.findall(r"""["'(](?:https?:)?//[^w]""", text)


def test_what_is_vendored_is_unchanged_and_has_its_licence() -> None:
    assert {name: sha256(files()[name].body).hexdigest() for name in VENDORED} == VENDORED
    assert "MIT" in (_FOLDER / "uplot-LICENSE.txt").read_text()
