"""What `python -m benchmarks.page` sees of the live page, on a worker without Kafka."""

import asyncio
from pathlib import Path

from app.web.live.page import files
from benchmarks.page import ICON, report, watch_page
from tests.support.browser import browsing
from tests.web.group import Member, State, serving


async def _buy(state: State) -> None:
    while True:
        state.purchase("ann", 1_000_000)
        await asyncio.sleep(0.1)


async def test_a_page_is_weighed_and_its_updates_are_counted(tmp_path: Path) -> None:
    state = State(0)
    member = Member(2, {0: state})
    async with serving(member) as url, browsing(tmp_path) as page:
        # A partition of somebody else: views over all are looked at every second.
        member.table = {0: url, 1: "http://127.0.0.1:1"}
        buying = asyncio.create_task(_buy(state))
        try:
            found = await watch_page(page, f"{url}/", 6, 1)
        finally:
            buying.cancel()
    counted = [file for name, file in files().items() if name != ICON]
    assert found.weight == sum(len(file.body) for file in counted)
    # And the stream.
    assert found.requests == len(counted) + 1
    assert found.updates > 0
    assert found.characters > found.updates
    assert found.frames_per_s > 0
    assert min(found.heap_before, found.heap_after) > 0
    assert f"{found.weight:,} bytes" in report(found)
