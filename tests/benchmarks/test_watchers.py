"""The live streams that a benchmark opens: counted, and missed where they end."""

import json
import sys
from pathlib import Path
from typing import Any

import aiohttp

from benchmarks.measure import Worker
from tests.support.topics import until
from tests.web.group import Member, State, serving

STREAMS = 4


def watchers(url: str, folder: Path) -> Worker:
    argv = [sys.executable, "-m", "benchmarks.watchers", str(STREAMS), "u", url]
    return Worker(argv, {}, folder / "watchers.log")


async def said(started: Worker) -> Any:  # noqa: ANN401
    usage = await started.stop()
    assert usage.exit_status == 0, started.tail()
    return json.loads(started.tail())


async def test_streams_are_read_until_told_to_stop(tmp_path: Path) -> None:
    member = Member(1, {0: State(0)})
    async with serving(member) as url, aiohttp.ClientSession() as session:
        member.table = {0: url}
        started = watchers(url, tmp_path)

        async def all_open() -> bool:
            async with session.get(f"{url}/metrics") as answer:
                return f"streamjoin_stream_clients {STREAMS}.0" in await answer.text()

        await until(all_open, 60, "all streams")
        found = await said(started)
        assert found["ended"] == 0


async def test_streams_that_end_are_told(tmp_path: Path) -> None:
    member = Member(1, {0: State(0)})
    member.clients = 0
    async with serving(member) as url, aiohttp.ClientSession() as session:
        started = watchers(url, tmp_path)

        async def all_refused() -> bool:
            async with session.get(f"{url}/metrics") as answer:
                refused = 'streamjoin_streams_ended_total{reason="refused"} %s.0'
                return refused % STREAMS in await answer.text()

        await until(all_refused, 60, "all refusals")
        found = await said(started)
        assert found == {"events": 0, "ended": STREAMS}
