"""A worker whose peer is a test's own handler."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web

from app.keys import KeyFailure
from app.proofs import Proofs
from app.web.peer_guard import prove_peers, sign_answers
from tests.web.asking import Asker, asking
from tests.web.group import GROUP, Member, State, listening, serving, user_in

THEIRS = user_in(1, 2)
PATH = f"/v1/users/{THEIRS}/totals"
INTERNAL = "/internal/v1/users/totals"
KEY = "secret-key-0123456789"
BEARER = {"Authorization": f"Bearer {KEY}", "Cookie": "a=b", "X-Mine": "1"}


@asynccontextmanager
async def proving(handler: Any) -> AsyncIterator[str]:  # noqa: ANN401
    """A worker of the group, whose answers are this handler's; its URL."""
    proofs, at = Proofs(KEY, GROUP), list[str]()
    failed = list[KeyFailure]()
    guards = [sign_answers(proofs), prove_peers(proofs, lambda: at[0], failed.append)]
    app = web.Application(middlewares=guards)
    app.router.add_route("*", "/internal/{path:.*}", handler)
    async with listening(app) as url:
        at.append(url)
        yield url
    assert not failed


@asynccontextmanager
async def beside(handler: Any) -> AsyncIterator[tuple[Member, Asker]]:  # noqa: ANN401
    """A worker whose one peer, the owner of the other partition, is this handler."""
    member = Member(2, {0: State(0)})
    async with serving(member, KEY) as one, proving(handler) as other:
        member.table = {0: one, 1: other}
        async with asking(one) as [asker]:
            yield member, asker
