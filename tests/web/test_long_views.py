"""A user with tens of thousands of clicks: the whole answer, of one commit, and commits between."""

import asyncio
import random
from collections.abc import Callable
from itertools import count
from typing import Any

import aiohttp
import pytest

from app.engine.partition_parts import Committed
from app.web.live import hub, user_states
from app.web.turns import Turns
from models.times import iso
from tables.log_rows import SOME
from tests.web.group import Member, State, serving
from tests.web.live.watcher import watching

USER, T0, MANY = "busy", 1_471_824_000_000, 60_000
SOURCES = ("clicks", "purchases", "user-events")
PATH = f"/v1/users/{USER}/recent-clicks"


def many_clicks() -> list[tuple[int, int, str]]:
    """Nearly ten minutes of clicks, each up to 3 s late."""
    order = random.Random(7)
    arrivals = sorted((10 * n + order.randrange(3000), n) for n in range(MANY))
    return [(T0 + 10 * n - 1, offset, f"/{n % 50}") for offset, (_, n) in enumerate(arrivals)]


@pytest.fixture
def state() -> State:
    made = State(0)
    made.clicks(USER, many_clicks())
    return made


def shown(clicks: list[tuple[int, int, str]]) -> list[dict[str, str]]:
    return [{"page": page, "timestamp": iso(time)} for time, _, page in sorted(clicks)]


async def test_commits_go_on_while_a_long_view_is_made(state: State) -> None:
    ticks, done = 0, asyncio.Event()

    async def commits() -> None:
        nonlocal ticks
        for number in count():
            if done.is_set():
                return
            state.clicks(USER, [(T0 + 600_000 + number, MANY + number, "/late")])
            ticks += 1
            await asyncio.sleep(0)

    member = Member(1, {0: state})
    async with serving(member) as url, aiohttp.ClientSession() as session:
        async with session.get(url + PATH) as answer:
            before = await answer.json()
        assert before["clicks"] == shown(many_clicks())
        committing = asyncio.create_task(commits())
        try:
            async with session.get(url + PATH) as answer:
                found = await answer.json()
        finally:
            done.set()
            await committing
    # All of it as of one commit, which is the one that it names.
    late = found["offsets"]["clicks"] - before["offsets"]["clicks"]
    added = [(T0 + 600_000 + n, MANY + n, "/late") for n in range(late)]
    now = max((time for time, _, _ in added), default=0)
    kept = [click for click in many_clicks() if click[0] >= now - 600_000]
    assert found["clicks"] == shown(kept + added)
    assert ticks >= MANY // SOME


def pages(body: Any) -> list[str]:  # noqa: ANN401
    return [click["page"] for click in body["clicks"]]


async def test_a_stream_is_told_of_a_commit_while_it_reads(
    state: State, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Without these nothing but the commit could bring the new state.
    monkeypatch.setattr(user_states, "FRESH", 1e9)
    monkeypatch.setattr(hub, "FRESH", 1e9)
    member, ran, run = Member(1, {0: state}), list[None](), Turns.run

    async def counted(turns: Turns, piece: Callable[[], Any]) -> Any:  # noqa: ANN401
        if len(ran) == 3:
            offsets = state.snapshot.offsets(SOURCES)
            changes = state.clicks(USER, [(T0 + 599_998, MANY, "/late")])
            after = state.snapshot.offsets(SOURCES)
            member.told(Committed(0, {"clicks": 1}, offsets, after, changes, []))
        ran.append(None)
        return await run(turns, piece)

    monkeypatch.setattr(Turns, "run", counted)
    async with serving(member) as url:
        member.table = {0: url}
        async with watching(url, f"view=recent-clicks&user={USER}") as client:
            first = await client.until("recent-clicks")
            assert len(first.data["clicks"]) == MANY
            assert "/late" not in pages(first.data)
            found = await client.until("recent-clicks", lambda body: "/late" in pages(body))
    assert len(found.data["clicks"]) == MANY + 1
