"""How workers ask each other: real servers, a group held by hand."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from aiohttp import web
from hypothesis import given, settings
from hypothesis import strategies as st

from app.web.problems import unavailable
from tests.web.asking import Asker, asking
from tests.web.group import Member, State, serving
from tests.web.peering import BEARER, INTERNAL, KEY, PATH, THEIRS, beside


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


async def test_the_owner_answers() -> None:
    async with two(KEY) as (_, _, asker):
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
        second.table = {0: first.address, 1: first.address}
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
    assert KEY not in str(request.headers)
    assert "X-Streamjoin-Proof" in request.headers


@pytest.mark.parametrize("status", [301, 302, 307, 400, 401, 403, 404, 500])
async def test_an_answer_that_is_none(status: int) -> None:
    followed: list[str] = []

    async def handler(request: web.Request) -> web.Response:
        followed.append(request.path)
        return web.Response(status=status, headers={"Location": "/elsewhere"})

    async with beside(handler) as (_, asker):
        reply = await asker.get(PATH, headers=BEARER)
        assert reply.status == 503
        assert reply.problem["type"].endswith("owner-failed")
    assert followed == [INTERNAL]


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (200, "text/html"),
        (200, "application/problem+json"),
        (200, "image/svg+xml"),
        (503, "application/json"),
        (503, "text/plain"),
    ],
)
async def test_nothing_but_json_is_passed_on(status: int, kind: str) -> None:
    async def handler(request: web.Request) -> web.Response:
        return web.Response(body=b"<script>alert(1)</script>", status=status, content_type=kind)

    async with beside(handler) as (_, asker):
        reply = await asker.get(PATH, headers=BEARER)
    assert (reply.status, reply.problem["type"].rpartition(":")[2]) == (503, "owner-failed")
    assert "script" not in reply.body


@pytest.mark.parametrize(("given", "passed"), [("7", "7"), ("12345", None), ("Mon, 1 Jan", None)])
async def test_when_to_ask_again_is_passed_on_as_a_number(given: str, passed: str | None) -> None:
    async def handler(request: web.Request) -> web.Response:
        response = unavailable("recovering", "soon").response()
        response.headers["Retry-After"] = given
        return response

    async with beside(handler) as (_, asker):
        reply = await asker.get(PATH, headers=BEARER)
    assert (reply.status, reply.headers.get("Retry-After")) == (503, passed)


async def test_an_endless_answer() -> None:
    async def handler(request: web.Request) -> web.Response:
        return web.Response(body=b"x" * 65 * 1024 * 1024)

    async with beside(handler) as (_, asker):
        reply = await asker.get(PATH, headers=BEARER)
        assert (reply.status, reply.problem["type"].rpartition(":")[2]) == (503, "answer-too-large")


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
