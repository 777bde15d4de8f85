"""How queries are measured: from when each was due, and with the commits beside them."""

import asyncio
import time
from itertools import islice, product

import aiohttp
import pytest
from aiohttp import web

from benchmarks.asking import Commits, Timed, throughput
from benchmarks.beside import BesideResult
from benchmarks.latency import Percentiles
from benchmarks.measure import RunFailedError
from benchmarks.queries import QueriesResult, query_goals
from benchmarks.query_load import USERS, at, kinds, places
from tests.web.group import listening


def _metrics(*counts: int) -> str:
    bounds = ("0.01", "0.1", "+Inf")
    return "\n".join(
        f'streamjoin_commit_seconds_bucket{{le="{bound}"}} {float(count)}'
        for bound, count in zip(bounds, counts, strict=True)
    )


def test_a_quantile_of_the_commits_between_two_looks() -> None:
    before = Commits([_metrics(100, 100, 100), _metrics(0, 0, 0)])
    after = Commits([_metrics(150, 200, 200), _metrics(0, 0, 0)])
    between = after.since(before)
    for commits in (between, between + between, Commits([]) + between):
        assert commits.quantile(0.5) == pytest.approx(0.01)
        assert commits.quantile(0.75) == pytest.approx(0.055)
        assert commits.quantile(1.0) == pytest.approx(0.1)
    with pytest.raises(RunFailedError, match="no commit"):
        after.since(after).quantile(0.5)


async def _answer(request: web.Request) -> web.Response:
    return web.Response(status=int(request.match_info["status"]), text="x")


def _app() -> web.Application:
    app = web.Application()
    app.router.add_get("/{status}", _answer)
    return app


async def test_refused_queries_are_counted_apart_and_waiting_counts() -> None:
    async with listening(_app()) as url, aiohttp.ClientSession() as session:
        timed = Timed(session)
        await timed.ask("owner", f"{url}/200", time.monotonic() - 5)
        await timed.ask("owner", f"{url}/503", time.monotonic())
        await timed.ask("owner", "http://127.0.0.1:1/", time.monotonic())
        assert timed.refused == {"owner": 2}
        assert len(timed.seconds["owner"]) == 1
        assert timed.seconds["owner"][0] >= 5
        await timed.ask_for(0.1, 100, {"a": [f"{url}/200"], "b": [f"{url}/200", f"{url}/503"]})
        assert len(timed.seconds["a"]) == 5
        assert len(timed.seconds["b"]) + timed.refused["b"] == 5


async def test_throughput_counts_answers_and_takes_no_other_status() -> None:
    async with listening(_app()) as url:
        port = int(url.rpartition(":")[2])
        assert await throughput(port, ["/200"], 3, 0.2) > 0
        with pytest.raises(RunFailedError, match="503"):
            await asyncio.wait_for(throughput(port, ["/503"], 1, 5.0), 60)


def test_the_load_has_users_in_every_partition() -> None:
    assert len({key for key, _ in places()}) == USERS
    assert {partition for _, partition in places()} == {0, 1, 2, 3}


def test_every_user_of_the_load_does_everything() -> None:
    topics = ("clicks", "purchases", "user-events")
    sent = islice(kinds(topics), 10 * USERS)
    done = {(at(number), topic) for number, (topic, _) in enumerate(sent)}
    assert done == set(product(range(USERS), topics))


def test_the_goals_stand_beside_the_figures() -> None:
    assert query_goals(None) == []
    took = Percentiles(0.004, 0.0184, 1000, 2)
    beside = BesideResult(0.02, 0.023, 0.0236, 55, 1_234, 0)
    found = QueriesResult(10_000, took, took, 3210.4, 987.6, beside, 1234)
    shown = [row[-1] for row in query_goals(found)]
    assert shown[0] == "18 ms (p50 4.0 ms, 1000 samples, 2 not answered)"
    assert shown[2:] == [
        "3,210 (forwarded: 988)",
        "1.15 x (20 ms without; 55 scans)",
        "1.18 x, 0 rebalances (1,234 events sent)",
    ]
