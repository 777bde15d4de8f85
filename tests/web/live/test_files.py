"""The page's files: what is served, and that nothing of it comes from outside."""

import re
from hashlib import sha256
from importlib import resources

import app.web
from app.web.live.page import files
from tests.web.asking import asking
from tests.web.group import Member, State, serving

VENDORED = {
    "uplot.js": "19c8d4c6ad88929a79f4ae49d6f7161566dfd0ba3d15cc495e974f787eb78f1f",
    "uplot.css": "df630c6a8d6f8eeaff264b50f73ce5b114f646ffd9a0bb74f049b0a00135fa04",
}
"""npm's uplot 1.6.32, `dist/uPlot.iife.min.js` and `dist/uPlot.min.css`, by SHA-256."""


async def test_what_is_no_file_of_the_page_is_not_there() -> None:
    async with serving(Member(1, {0: State(0)})) as url, asking(url) as [asker]:
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
    licence = resources.files(app.web) / "page" / "uplot-LICENSE.txt"
    assert "MIT" in licence.read_text()
