"""How workers ask each other: real servers, a group held by hand."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import web
from hypothesis import given, settings
from hypothesis import strategies as st

from app.web import peers
from tests.support.topics import until
from tests.web.asking import Asker, asking
from tests.web.group import Member, State, listening, serving, user_in

THEIRS = user_in(1, 2)
PATH = f"/v1/users/{THEIRS}/totals"
INTERNAL = "/internal/v1/users/totals"


@asynccontextmanager
async def two(api_key: str | None = None) -> AsyncIterator[tuple[Member, Member, Asker]]:
    """Two workers of a partition each, and a client of the first."""
    first, second = Member(2, {0: State(0)}), Member(2, {1: State(1)})
    second.states[1].purchase(THEIRS, 5)
    async with serving(first, api_key) as one, serving(second, api_key) as other:
        for member in (first, second):
            member.table = {0: one, 1: other}
        async with asking(one) as [asker]:
            yield first, second, asker


@asynccontextmanager
async def beside(handler: Any) -> AsyncIterator[tuple[Member, Asker]]:  # noqa: ANN401
    """A worker whose one peer, the owner of the other partition, is this handler."""
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", handler)
    member = Member(2, {0: State(0)})
    async with serving(member, "secret-key") as one, listening(app) as other:
        member.table = {0: one, 1: other}
        async with asking(one) as [asker]:
            yield member, asker


BEARER = {"Authorization": "Bearer secret-key", "Cookie": "a=b", "X-Mine": "1"}


async def test_the_owner_answers() -> None:
    async with two("secret-key") as (_, _, asker):
        reply = await asker.get(PATH, headers=BEARER)
        assert (reply.status, reply.json["purchases"], reply.json["partition"]) == (200, 1, 1)


async def test_a_parameter_is_checked_before_anybody_is_asked() -> None:
    async with two() as (first, _, asker):
        reply = await asker.get(f"/v1/users/{THEIRS}/enriched-purchases?limit=0")
        assert (reply.status, reply.problem["parameter"], first.looked) == (422, "limit", 0)


async def test_the_asker_looks_again_once_and_finds_the_new_owner() -> None:
    async with two() as (first, second, asker):
        state = second.states.pop(1)
        looked = first.owners

        def moved() -> dict[int, str]:
            first.states[1] = state
            return looked()

        first.owners = moved  # type: ignore[method-assign]
        assert (await asker.get(PATH)).status == 200


async def test_nobody_owns_it() -> None:
    async with two() as (first, second, asker):
        del second.states[1]
        reply = await asker.get(PATH)
        assert (reply.status, reply.headers["Retry-After"]) == (503, "1")
        assert reply.problem["type"].endswith("owner-silent")
        assert first.looked == 2
        first.table = {}
        reply = await asker.get(PATH)
        assert reply.problem["type"].endswith("owner-unknown")


async def test_a_question_makes_one_hop_at_most() -> None:
    """Each takes the other for the owner: neither passes on what it was passed."""
    async with two() as (first, second, asker):
        del second.states[1]
        second.table = {0: first.url, 1: first.url}
        assert (await asker.get(PATH)).status == 503
        assert second.looked == 0


async def test_only_our_own_credential_goes_along() -> None:
    seen: list[web.Request] = []

    async def handler(request: web.Request) -> web.Response:
        seen.append(request)
        return web.Response(status=503, headers={"Retry-After": "1"})

    async with beside(handler) as (_, asker):
        await asker.get(PATH + "?from=1", headers=BEARER)
    [request] = seen
    assert request.path == INTERNAL
    assert dict(request.query) == {
        "user_id": THEIRS,
        "low": "0",
        "high": str(2**62),
        "limit": "100",
    }
    assert not {"Authorization", "Cookie", "X-Mine"} & set(request.headers)
    assert "secret-key" not in str(request.headers)
    assert len(request.headers["X-Streamjoin-Peer"]) == 64


@pytest.mark.parametrize("status", [301, 302, 307, 400, 401, 403, 404, 500])
async def test_an_answer_that_is_none(status: int) -> None:
    followed: list[str] = []

    async def handler(request: web.Request) -> web.Response:
        followed.append(request.path)
        return web.Response(status=status, headers={"Location": "/elsewhere"})

    async with beside(handler) as (_, asker):
        reply = await asker.get(PATH, headers=BEARER)
        assert reply.status == 503
        assert reply.problem["type"].endswith("owner-silent")
    assert followed == [INTERNAL]


async def test_a_silent_owner(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(peers, "TIMEOUT", 0.2)
    released = asyncio.Event()

    async def handler(request: web.Request) -> web.Response:
        await released.wait()
        return web.Response()

    async with beside(handler) as (_, asker):
        reply = await asker.get(PATH, headers=BEARER)
        assert reply.status == 503
        assert "did not answer in 0.2 s" in reply.problem["detail"]
        totals = (await asker.get("/v1/totals", headers=BEARER)).json
        assert (totals["complete"], totals["missing"]) == (False, [1])
        released.set()


async def test_not_every_question_waits_for_a_silent_owner(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(peers, "TIMEOUT", 2.0)
    frozen, arrived = asyncio.Event(), list[str]()

    async def handler(request: web.Request) -> web.Response:
        arrived.append(request.path)
        await frozen.wait()
        return web.json_response({"1": {"purchases": 7, "revenue": 0, "actions": {}}})

    async with beside(handler) as (_, asker):
        first = (await asker.get("/v1/totals", headers=BEARER)).json
        later = [(await asker.get("/v1/totals", headers=BEARER)).json for _ in range(200)]
        assert all((one["complete"], one["missing"]) == (False, [1]) for one in [first, *later])
        assert len(arrived) < 100
        frozen.set()

        async def all_answered() -> bool:
            return bool((await asker.get("/v1/totals", headers=BEARER)).json["complete"])

        await until(all_answered, 60, "the owner is asked again")
        before = len(arrived)
        assert await all_answered()
        assert len(arrived) == before + 1


async def test_a_question_that_takes_too_long_is_no_sign_where_others_are_answered(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(peers, "TIMEOUT", 3.0)
    never = asyncio.Event()

    async def handler(request: web.Request) -> web.Response:
        if request.path == INTERNAL:
            await never.wait()
        return web.json_response({"1": {"purchases": 7, "revenue": 0, "actions": {}}})

    async with beside(handler) as (_, asker):
        slow = asyncio.create_task(asker.get(PATH, headers=BEARER))
        while not slow.done():
            assert (await asker.get("/v1/totals", headers=BEARER)).json["complete"]
        assert (await slow).status == 503
        assert (await asker.get("/v1/totals", headers=BEARER)).json["complete"]
        never.set()


async def test_an_endless_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(peers, "MAX_BYTES", 100_000)

    async def handler(request: web.Request) -> web.Response:
        return web.Response(body=b"x" * 100_001)

    async with beside(handler) as (_, asker):
        assert (await asker.get(PATH, headers=BEARER)).status == 503


async def test_nothing_but_http_is_asked() -> None:
    async with two() as (first, _, asker):
        first.table[1] = "file:///etc/passwd"
        assert (await asker.get(PATH)).status == 503


async def test_a_bug_is_a_500_without_what_it_quotes(caplog: pytest.LogCaptureFixture) -> None:
    async with two() as (first, _, asker):
        secret = "-".join(("canary", "user"))

        def broken() -> dict[int, str]:
            raise KeyError(secret)

        first.owners = broken  # type: ignore[method-assign]
        reply = await asker.get(PATH)
        assert reply.status == 500
        assert secret not in reply.body + caplog.text
        assert "KeyError" in caplog.text
        assert "title" in reply.problem


@settings(max_examples=30, deadline=None)
@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=60))
def test_any_user_reaches_its_owner_unchanged(user: str) -> None:
    """As a peer is asked: the owner answers about the very user that the client named."""

    async def ask() -> None:
        first, second = Member(1, {}), Member(1, {0: State(0)})
        async with serving(first) as one, serving(second) as other:
            first.table = {0: other}
            async with asking(one) as [asker]:
                reply = await asker.user(user, "totals")
                assert (reply.status, reply.json["user_id"]) == (200, user)

    asyncio.run(ask())
