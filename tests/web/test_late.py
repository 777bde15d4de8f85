"""Owners that work on an answer for longer than a silent one is waited for."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from app.web import late, peers
from app.web.problems import unavailable
from app.web.turns import Turns
from tests.web.asking import Asker, asking
from tests.web.group import Member, State, serving, user_in

KEY = "the-groups-own-key"
BEARER = {"Authorization": f"Bearer {KEY}"}
USER = user_in(1, 2)
PATH = f"/v1/users/{USER}/recent-clicks"
T0 = 1_471_824_000_000


def clicks(many: int, page: str) -> list[tuple[int, int, str]]:
    return [(T0 + number, number, page) for number in range(many)]


@asynccontextmanager
async def two(
    many: int, page: str, key: str | None = KEY, most: int = 64 * 1024 * 1024
) -> AsyncIterator[tuple[Asker, Asker]]:
    """A client of a worker, and one of the owner of so many clicks."""
    first, second = Member(2, {0: State(0)}), Member(2, {1: State(1)})
    first.answer_bytes = most
    second.states[1].clicks(USER, clicks(many, page))
    async with serving(first, key) as one, serving(second, key) as other:
        for member in (first, second):
            member.table = {0: one, 1: other}
        async with asking(one, other) as [asker, owner]:
            yield asker, owner


@pytest.mark.parametrize("key", [KEY, None])
async def test_an_owner_that_works_on_is_not_silent(
    key: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(peers, "TIMEOUT", 1.0)
    monkeypatch.setattr(late, "PAUSE", 0.1)
    ran, slow = Turns.run, list[None]()

    async def turn(turns: Turns, piece: Callable[[], Any]) -> Any:  # noqa: ANN401 (whatever)
        if not slow:
            slow.append(None)
            await asyncio.sleep(3)
        return await ran(turns, piece)

    monkeypatch.setattr(Turns, "run", turn)
    async with two(20_000, "/page", key) as (asker, owner):
        reply = await asker.get(PATH, headers=BEARER)
        assert (reply.status, len(reply.json["clicks"]), len(slow)) == (200, 20_000, 1)
        assert reply.headers["Content-Type"] == "application/json"
        assert reply.body == (await owner.get(PATH, headers=BEARER)).body


async def test_a_reason_that_comes_late_is_passed_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(late, "PAUSE", 0.05)

    async def turn(turns: Turns, piece: Callable[[], Any]) -> Any:  # noqa: ANN401 (whatever)
        await asyncio.sleep(1)
        raise unavailable("recovering", "the state is being renewed")

    monkeypatch.setattr(Turns, "run", turn)
    async with two(20_000, "/page") as (asker, _):
        reply = await asker.get(PATH, headers=BEARER)
    assert (reply.status, reply.headers["Retry-After"]) == (503, "1")
    assert reply.problem["type"].endswith("recovering")


async def test_an_owner_that_never_ends_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(peers, "LONGEST", 1.5)
    monkeypatch.setattr(late, "PAUSE", 0.1)
    never, ran = asyncio.Event(), Turns.run

    async def turn(turns: Turns, piece: Callable[[], Any]) -> Any:  # noqa: ANN401 (whatever)
        await never.wait()
        return await ran(turns, piece)

    monkeypatch.setattr(Turns, "run", turn)
    async with two(20_000, "/page") as (asker, _):
        reply = await asker.get(PATH, headers=BEARER)
        assert (reply.status, reply.problem["type"].rpartition(":")[2]) == (503, "owner-failed")
        assert "longer than 1.5 s" in reply.problem["detail"]
        never.set()


async def test_an_answer_beyond_the_limit_has_its_own_reason() -> None:
    """81 MB of clicks: the owner gives them, another worker says why it does not, or does."""
    page = "/" + "x" * 999_000
    async with two(81, page) as (asker, owner):
        whole = await owner.get(PATH, headers=BEARER)
        assert (whole.status, len(whole.body) > 80_000_000) == (200, True)
        reply = await asker.get(PATH, headers=BEARER)
        assert (reply.status, reply.problem["type"].rpartition(":")[2]) == (503, "answer-too-large")
        assert "STREAMJOIN_PEER_ANSWER_BYTES" in reply.problem["detail"]
    async with two(81, page, most=100_000_000) as (asker, _):
        reply = await asker.get(PATH, headers=BEARER)
        assert (reply.status, reply.body == whole.body) == (200, True)


@pytest.mark.parametrize("body", [b"", b"   ", b"200\n\n", b" x\na\nb\nc\nd"])
def test_what_is_no_late_answer(body: bytes) -> None:
    with pytest.raises(ValueError, match=r"unpack|invalid literal"):
        late.unpack(body)


def test_a_late_answer_keeps_its_body() -> None:
    head, body = late.unpack(b"   503\napplication/json\n7\nabc\nline\nline")
    assert (head, body) == (late.Head(503, "application/json", "7", "abc"), b"line\nline")
