"""The document's reader, as a browser shows it under its content security policy."""

from pathlib import Path

from tests.support.browser import browsing
from tests.web.group import Member, State, serving


async def test_it_is_shown_and_asks_its_worker(tmp_path: Path) -> None:
    member = Member(1, {0: State(0)})
    async with serving(member) as url, browsing(tmp_path) as page:
        member.table = {0: url}
        await page.open(f"{url}/docs")
        await page.value("document.querySelector('form[data-path=\"/v1/workers\"] button').click()")
        await page.shows("h1", "streamjoin")
        await page.until("document.querySelector('output.good')")
        shown = await page.value("document.querySelector('output.good').textContent")
        assert shown.startswith("GET /v1/workers\n200 application/json")
        radius = "getComputedStyle(document.querySelector('details')).borderRadius"
        assert await page.value(radius) != "0px"
        assert page.errors == []
        assert {one.removeprefix(url) for one in page.requested} == {
            "/docs",
            "/docs/reader.css",
            "/docs/reader.js",
            "/v1/workers",
        }
