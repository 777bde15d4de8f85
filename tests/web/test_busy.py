"""Long reads that come faster than they are answered are refused; short ones never are."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from typing import TypeVar

import aiohttp
import pytest

from app.web.turns import MOST, Turns
from tests.support.topics import until
from tests.web.group import Member, State, serving

T = TypeVar("T")
T0 = 1_471_824_000_000
# More than are decoded at a time.
MANY = [(T0 + number, number, "/") for number in range(2_000)]
HERE = "/internal/v1/revenue?partitions=0&low=0&high=1&limit=1"


class Held:
    """Turns that nobody gets until `go` is set; `waiting`: how many want one."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.go, self.waiting = asyncio.Event(), 0
        run = Turns.run

        async def held(turns: Turns, piece: Callable[[], T]) -> T:
            self.waiting += 1
            await self.go.wait()
            return await run(turns, piece)

        monkeypatch.setattr(Turns, "run", held)

    async def wanted(self, turns: int) -> bool:
        return self.waiting == turns

    @asynccontextmanager
    async def full(self, url: str, path: str) -> AsyncIterator[aiohttp.ClientSession]:
        """While as many read as may; they are all answered in the end."""
        connector = aiohttp.TCPConnector(limit=0)
        async with aiohttp.ClientSession(connector=connector) as session:
            asked = [asyncio.create_task(status(session, url + path)) for _ in range(MOST)]
            await until(partial(self.wanted, MOST), 60, "all wait")
            yield session
            self.go.set()
            assert await asyncio.gather(*asked) == [200] * MOST


@asynccontextmanager
async def owning(state: State) -> AsyncIterator[str]:
    """A worker that owns the only partition; its URL."""
    member = Member(1, {0: state})
    async with serving(member) as url:
        member.table[0] = url
        yield url


async def status(session: aiohttp.ClientSession, url: str) -> int:
    async with session.get(url) as answer:
        await answer.read()
        return answer.status


@pytest.mark.parametrize("path", ["/v1/revenue", "/v1/totals", "/v1/users/busy/recent-clicks"])
async def test_what_is_too_much_is_refused_and_what_was_let_in_is_answered(
    monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    held, state = Held(monkeypatch), State(0)
    state.clicks("busy", MANY)
    async with owning(state) as url, held.full(url, path) as session:
        for other in (path, "/v1/revenue"):
            async with session.get(url + other) as answer:
                problem = await answer.json()
                assert answer.status == 503
                assert answer.headers["Retry-After"] == "1"
                assert problem["type"].endswith("busy")
        for short in ("/v1/users/nobody/recent-clicks", "/v1/users/busy/totals"):
            assert await status(session, url + short) == 200


async def test_peers_have_places_of_their_own(monkeypatch: pytest.MonkeyPatch) -> None:
    held = Held(monkeypatch)
    async with owning(State(0)) as url, held.full(url, HERE) as session:
        assert await status(session, url + HERE) == 503
        callers = asyncio.create_task(status(session, url + "/v1/revenue"))
        await until(partial(held.wanted, MOST + 1), 60, "the caller waits too")
        held.go.set()
        assert await callers == 200
