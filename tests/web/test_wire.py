"""A link between two workers on which somebody reads, changes and repeats what goes over it."""

import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from yarl import URL

from app import proofs
from app.proofs import HEADER
from tests.web.asking import Asker, asking
from tests.web.group import Member, State, listening, serving, user_in
from tests.web.key_failures import counted

KEY, OTHER = "the-groups-own-key", "another-groups-key"
BEARER = {"Authorization": f"Bearer {KEY}"}
USER = user_in(1, 2)
PATH = f"/v1/users/{USER}/totals"
HTML = b"<script>alert(document.domain)</script>"
Change = Callable[[dict[str, Any]], object]


class Wire:
    """A link between an asker and an owner, which sees and changes what goes over it."""

    def __init__(self, owner: str) -> None:
        self.owner = owner
        self.seen: list[dict[str, Any]] = []
        self.question: Change = lambda _: None
        self.answer: Change = lambda _: None

    async def pass_on(self, request: web.Request) -> web.Response:
        sent: dict[str, Any] = {
            "method": request.method,
            "path": request.raw_path,
            "headers": {HEADER: request.headers[HEADER]},
            "data": await request.read(),
        }
        self.seen.append({**sent, "headers": dict(request.headers)})
        self.question(sent)
        status, headers, body = await ask(self.owner, **sent)
        given: dict[str, Any] = {"status": status, "headers": headers, "body": body}
        self.answer(given)
        return web.Response(**given)


async def ask(
    owner: str, *, method: str, path: str, headers: dict[str, str], data: bytes = b""
) -> tuple[int, dict[str, str], bytes]:
    """Send a request as it is; of the answer's headers, those that count."""
    async with (
        aiohttp.ClientSession() as session,
        session.request(
            method, URL(owner + path, encoded=True), headers=headers, data=data
        ) as response,
    ):
        kept = {
            name: response.headers[name]
            for name in ("Content-Type", "Retry-After", HEADER)
            if name in response.headers
        }
        return response.status, kept, await response.read()


@asynccontextmanager
async def wired(key: str = KEY) -> AsyncIterator[tuple[Wire, Member, Asker]]:
    """Two workers, the second with `key`; the first reaches it over a wire."""
    first, second = Member(2, {0: State(0)}), Member(2, {1: State(1)})
    second.states[1].purchase(USER, 5)
    async with serving(first, KEY) as one, serving(second, key) as owner:
        wire = Wire(owner)
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", wire.pass_on)
        async with listening(app) as between, asking(one) as [asker]:
            first.table = {0: one, 1: between}
            second.address = between
            yield wire, second, asker


async def test_a_question_and_its_answer_go_through_a_wire_that_changes_nothing() -> None:
    async with wired() as (wire, _, asker):
        reply = await asker.get(PATH, headers=BEARER)
        assert (reply.status, reply.json["purchases"]) == (200, 1)
        [sent] = wire.seen
        assert KEY not in str(sent)
        assert await counted(wire.owner, BEARER) == {}


QUESTIONS: dict[str, Change] = {
    "query": lambda sent: sent.update(path=sent["path"].replace(USER, user_in(1, 2) + "0")),
    "path": lambda sent: sent.update(path=sent["path"].replace("totals", "sessions")),
    "method": lambda sent: sent.update(method="HEAD"),
    "body": lambda sent: sent.update(data=b"[]"),
    "time": lambda sent: sent["headers"].update(
        {HEADER: re.sub(r"^\d+", lambda m: str(int(m[0]) + 1), sent["headers"][HEADER])}
    ),
    "nonce": lambda sent: sent["headers"].update(
        {HEADER: re.sub(r"\.[0-9a-f]{32}\.", f".{'0' * 32}.", sent["headers"][HEADER])}
    ),
}


@pytest.mark.parametrize("changed", QUESTIONS)
async def test_a_question_changed_on_the_way_is_refused(changed: str) -> None:
    async with wired() as (wire, _, asker):
        wire.question = QUESTIONS[changed]
        reply = await asker.get(PATH, headers=BEARER)
        assert reply.status == 503
        assert reply.problem["type"].endswith("owner-unproven")
        assert await counted(wire.owner, BEARER) == {"peer-proof": 1}


async def test_a_captured_question_proves_nothing_at_another_worker(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with wired() as (wire, second, asker):
        await asker.get(PATH, headers=BEARER)
        [captured] = wire.seen
        assert (await ask(wire.owner, **captured))[0] == 200
        second.address = "http://another-worker:6066"
        assert (await ask(wire.owner, **captured))[0] == 403
        assert await counted(wire.owner, BEARER) == {"peer-proof": 1}


async def test_a_captured_question_proves_nothing_later(monkeypatch: pytest.MonkeyPatch) -> None:
    async with wired() as (wire, _, asker):
        await asker.get(PATH, headers=BEARER)
        [captured] = wire.seen
        monkeypatch.setattr(proofs, "SKEW_MS", -1)
        status, _, body = await ask(wire.owner, **captured)
        assert (status, b"clock" in body) == (403, True)
        assert await counted(wire.owner, BEARER) == {"peer-time": 1}


ANSWERS: dict[str, Change] = {
    "body": lambda given: given.update(
        body=given["body"].replace(b'"purchases":1', b'"purchases":7')
    ),
    "html": lambda given: given.update(
        body=HTML, headers={**given["headers"], "Content-Type": "text/html"}
    ),
    "type": lambda given: given["headers"].update({"Content-Type": "application/problem+json"}),
    "status": lambda given: given.update(status=503),
    "later": lambda given: given["headers"].update({"Retry-After": "9999"}),
    "no proof": lambda given: given["headers"].pop(HEADER),
    "other proof": lambda given: given["headers"].update({HEADER: "0" * 64}),
    "refused": lambda given: given.update(status=403),
}


@pytest.mark.parametrize("changed", ANSWERS)
async def test_an_answer_changed_on_the_way_is_refused(changed: str) -> None:
    async with wired() as (wire, _, asker):
        wire.answer = ANSWERS[changed]
        reply = await asker.get(PATH, headers=BEARER)
        assert (reply.status, reply.headers["Content-Type"]) == (503, "application/problem+json")
        assert reply.problem["type"].endswith("owner-unproven")
        totals = (await asker.get("/v1/totals", headers=BEARER)).json
        assert (totals["complete"], totals["missing"]) == (False, [1])
        # Somebody else may be there: it is left alone for a while.
        assert len(wire.seen) == 1


async def test_an_answer_to_another_question_is_refused() -> None:
    async with wired() as (wire, _, asker):
        kept: list[dict[str, Any]] = []
        wire.answer = lambda given: kept.append(dict(given))
        assert (await asker.get(PATH, headers=BEARER)).status == 200
        wire.answer = lambda given: given.update(kept[0])
        assert (await asker.get(PATH, headers=BEARER)).status == 503


async def test_workers_with_different_keys_do_not_answer_each_other() -> None:
    async with wired(OTHER) as (wire, _, asker):
        reply = await asker.get(PATH, headers=BEARER)
        assert (reply.status, wire.seen[0]["path"][:18]) == (503, "/internal/v1/users")
        assert "peer_key" in reply.problem["detail"]
