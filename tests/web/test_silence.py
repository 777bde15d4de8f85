"""Owners that do not answer in time."""

import asyncio

import pytest
from aiohttp import web

from app.web import peers
from tests.support.topics import until
from tests.web.peering import BEARER, INTERNAL, PATH, beside


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
