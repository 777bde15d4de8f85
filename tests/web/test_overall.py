"""Answers over all partitions: merging, pages, and what is missing."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.web.overall import (
    Parts,
    TotalsPart,
    WindowPart,
    before,
    merge_revenue,
    merge_totals,
)
from app.web.parameters import FOREVER, Span, cursor_of
from models.times import iso
from tests.web.asking import asking
from tests.web.group import WINDOW, Member, State, serving
from tests.web.test_parameters import query

windows = st.dictionaries(st.integers(0, 300), st.integers(0, 3), max_size=60)


def _part(span: Span, starts: list[int], limit: int) -> list[WindowPart]:
    """What an owner answers: as `tables.revenue.view`, tested there."""
    kept = sorted((s for s in starts if s < span.high and s + 10 > span.low), reverse=True)
    return [WindowPart(s, s + 10, s, 1, False) for s in kept[:limit]]


@given(windows, st.integers(1, 7), st.integers(0, 3000), st.integers(0, 3000))
def test_pages_put_together_are_the_whole(
    owned: dict[int, int], limit: int, low: int, high: int
) -> None:
    """Every window once, newest first, no page larger than asked, wherever the borders fall."""
    starts: dict[int, list[int]] = {number: [] for number in range(4)}
    for index, number in owned.items():
        starts[number].append(index * 10)
    seen: list[str] = []
    cursor = None
    while True:
        span = before(Span(low, high), cursor)
        parts = {number: _part(span, found, limit + 1) for number, found in starts.items()}
        page = merge_revenue(Parts(parts, []), limit)
        seen += [window.start for window in page.windows]
        if page.next is None:
            assert len(page.windows) <= limit
            break
        assert len(page.windows) == limit
        cursor = cursor_of(query(f"cursor={page.next}"))
    wanted = sorted((i * 10 for i in owned if i * 10 < high and i * 10 + 10 > low), reverse=True)
    assert seen == [iso(start) for start in wanted]


def test_totals_are_added_exactly() -> None:
    large = 2**60
    parts = {
        0: TotalsPart(1, large, {"view": 2, "buy": 1}),
        3: TotalsPart(2, large + 1, {"view": 3}),
    }
    merged = merge_totals(Parts(parts, [1, 2]))
    assert merged.actions == {"view": 5, "buy": 1}
    assert merged.purchases == 3
    assert str(merged.revenue) == "2305843009213.693953"
    assert (merged.complete, merged.missing) == (False, [1, 2])


async def _three() -> list[Member]:
    members = [Member(4, {number: State(number)}) for number in range(3)]
    members[2].states[3] = State(3)
    for member in members:
        for number, state in member.states.items():
            state.purchase(f"u{number}", 10**number)
            for index in range(3):
                state.window((number + 4 * index) * WINDOW, 1)
    return members


async def _ask(members: list[Member], path: str, lost: int | None = None) -> tuple[Any, Any]:
    """Ask the first of three members; the second time without the partitions of `lost`."""
    async with serving(members[0]) as a, serving(members[1]) as b, serving(members[2]) as c:
        for member in members:
            member.table = {0: a, 1: b, 2: c, 3: c}
        async with asking(a) as [asker]:
            whole = (await asker.get(path)).json
            if lost is not None:
                members[lost].states = {}
            return whole, (await asker.get(path)).json


async def test_every_owner_is_asked() -> None:
    whole, again = await _ask(await _three(), "/v1/totals")
    assert whole == again
    assert (whole["purchases"], str(whole["revenue"])) == (4, "0.001111")
    assert (whole["complete"], whole["missing"]) == (True, [])


@pytest.mark.parametrize(("lost", "missing"), [(0, [0]), (1, [1]), (2, [2, 3])])
async def test_what_a_worker_no_longer_owns_is_missing(lost: int, missing: list[int]) -> None:
    _, totals = await _ask(await _three(), "/v1/totals", lost)
    assert (totals["complete"], totals["missing"]) == (False, missing)
    assert totals["purchases"] == 4 - len(missing)
    _, revenue = await _ask(await _three(), "/v1/revenue?limit=100", lost)
    assert (revenue["complete"], revenue["missing"]) == (False, missing)
    assert len(revenue["windows"]) == 12 - 3 * len(missing)


async def test_pages_over_workers() -> None:
    members = await _three()
    seen: list[str] = []
    path = "/v1/revenue?limit=5"
    for size in (5, 5, 2):
        page, _ = await _ask(members, path)
        assert len(page["windows"]) == size
        seen += [window["start"] for window in page["windows"]]
        path = f"/v1/revenue?limit=5&cursor={page['next']}"
    assert page["next"] is None
    assert seen == [iso(index * WINDOW) for index in range(11, -1, -1)]


async def test_nobody_answers() -> None:
    member = Member(2, {})
    async with serving(member) as url, asking(url) as [asker]:
        reply = await asker.get("/v1/totals")
        assert (reply.status, reply.headers["Retry-After"]) == (503, "1")


@pytest.mark.parametrize(
    ("path", "parameter"),
    [
        ("/internal/v1/users/totals?low=0&high=1&limit=1", "user_id"),
        ("/internal/v1/users/totals?user_id=a&low=0&high=1&limit=1001", "limit"),
        ("/internal/v1/users/totals?user_id=a&low=-1&high=1&limit=1", "low"),
        ("/internal/v1/totals", "partitions"),
        ("/internal/v1/totals?partitions=0,x", "partitions"),
        ("/internal/v1/revenue?partitions=0&low=0&high=1", "limit"),
        ("/internal/v1/revenue?partitions=0&low=0&high=1&limit=1002", "limit"),
        (f"/internal/v1/revenue?partitions=0&low=0&high={FOREVER + 1}&limit=1", "high"),
    ],
)
async def test_a_peers_parameters_are_checked(path: str, parameter: str) -> None:
    async with serving(Member(1, {0: State(0)})) as url, asking(url) as [asker]:
        reply = await asker.get(path)
        assert (reply.status, reply.problem["parameter"]) == (422, parameter)
