"""That the check of answers against the OpenAPI document finds what is wrong."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any, NoReturn

import msgspec
import pytest
from aiohttp import web
from schemathesis.core.failures import Failure, ServerError
from schemathesis.openapi.checks import (
    JsonSchemaError,
    MissingHeaders,
    UndefinedContentType,
    UndefinedStatusCode,
)

from app.web.handlers import Handlers
from app.web.users import Users
from tests.web.asking import asking
from tests.web.conformance import check_answers
from tests.web.group import Member, State, serving

TOTALS, USERS_TOTALS = "/v1/totals", "/v1/users/{user_id}/totals"
PROBLEM = {"type": "about:blank", "title": "No", "status": 503, "detail": "no"}


@asynccontextmanager
async def _alone() -> AsyncIterator[str]:
    """Serve the application of a worker that owns everything."""
    member = Member(1, {0: State(0)})
    async with serving(member) as url:
        member.table = {0: url}
        yield url


async def _found(path: str) -> set[type[Failure]]:
    """Have a path of the application checked; what is wrong with its answers."""
    async with _alone() as url:
        try:
            await asyncio.to_thread(check_answers, url, [path])
        except (Failure, BaseExceptionGroup) as raised:
            return {type(failure) for failure in _failures(raised)}
    return set()


def _failures(raised: BaseException) -> Iterator[Failure]:
    if isinstance(raised, BaseExceptionGroup):
        for one in raised.exceptions:
            yield from _failures(one)
    else:
        assert isinstance(raised, Failure), raised
        yield raised


async def test_nothing_is_found_where_nothing_is_wrong() -> None:
    async with _alone() as url:
        seen = await asyncio.to_thread(check_answers, url, [TOTALS, USERS_TOTALS])
    assert set(seen) == {(TOTALS, 200), (USERS_TOTALS, 200), (USERS_TOTALS, 422)}


@pytest.mark.parametrize(
    ("of", "method", "path"),
    [(Handlers, "totals", TOTALS), (Users, "anywhere", USERS_TOTALS)],
)
async def test_a_handler_that_raises_is_found(
    monkeypatch: pytest.MonkeyPatch, of: type, method: str, path: str
) -> None:
    async def broken(*_: object) -> NoReturn:
        raise ZeroDivisionError

    monkeypatch.setattr(of, method, broken)
    assert ServerError in await _found(path)


@pytest.mark.parametrize(
    "change", [{"complete": "yes"}, {"purchases": None}, {"purchases": ...}, {"more": 1}], ids=str
)
async def test_an_answer_outside_its_schema_is_found(
    monkeypatch: pytest.MonkeyPatch, change: dict[str, Any]
) -> None:
    async with _alone() as url, asking(url) as [asker]:
        right = (await asker.get(TOTALS)).json
    assert change.keys() - right.keys() <= {"more"}
    wrong = {name: value for name, value in (right | change).items() if value is not ...}
    _plant(monkeypatch, body=msgspec.json.encode(wrong), content_type="application/json")
    assert await _found(TOTALS) == {JsonSchemaError}


@pytest.mark.parametrize(
    ("status", "media", "body", "failure"),
    [
        (200, "text/plain", {}, UndefinedContentType),
        (418, "application/problem+json", PROBLEM, UndefinedStatusCode),
        (503, "application/problem+json", PROBLEM, MissingHeaders),
        (403, "application/problem+json", {"title": "No"}, JsonSchemaError),
    ],
)
async def test_another_kind_of_answer_is_found(
    monkeypatch: pytest.MonkeyPatch,
    status: int,
    media: str,
    body: dict[str, Any],
    failure: type[Failure],
) -> None:
    _plant(monkeypatch, status=status, body=msgspec.json.encode(body), content_type=media)
    assert failure in await _found(TOTALS)


def _plant(monkeypatch: pytest.MonkeyPatch, **response: Any) -> None:  # noqa: ANN401
    async def totals(*_: object) -> web.Response:
        return web.Response(**response)

    monkeypatch.setattr(Handlers, "totals", totals)
