"""Answers over all partitions: each owner is asked for its own, and the parts are merged.

A partition whose owner does not answer in time is named as missing; the answer says that it is not
complete then.
"""

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import Generic, NamedTuple, TypeVar

import msgspec

from app.web.membership import Membership, Snapshot
from app.web.parameters import FOREVER, Span, encode_cursor
from app.web.peers import PeerError, Peers
from app.web.problems import ProblemError
from app.web.turns import Turns
from models.answers import AllTotals, RevenuePage, RevenueWindow, instant, money
from tables import revenue, totals
from tables.rules import Rules

P = TypeVar("P")


class TotalsPart(msgspec.Struct, frozen=True):
    """A partition's totals; `revenue` in millionths."""

    purchases: int
    revenue: int
    actions: dict[str, int]


class WindowPart(msgspec.Struct, frozen=True, array_like=True):
    """A window that a partition owns: times in ms, `revenue` in millionths."""

    start: int
    end: int
    revenue: int
    purchases: int
    closed: bool


class Parts(NamedTuple, Generic[P]):
    """What was answered, by partition, and the partitions that were not."""

    found: dict[int, P]
    missing: list[int]


class Question(NamedTuple, Generic[P]):
    """What is asked of each partition: here by `read`, elsewhere at `path` with `parameters`."""

    path: str
    parameters: Mapping[str, int]
    read: Callable[[Snapshot], P]
    kind: type[P]


def totals_question() -> Question[TotalsPart]:
    """Ask for the totals of everybody in a partition."""

    def read(state: Snapshot) -> TotalsPart:
        found = totals.view(state.rows(totals.TOTALS), totals.EVERYBODY)
        return TotalsPart(found.purchases, found.revenue, found.actions)

    return Question("/v1/totals", {}, read, TotalsPart)


def revenue_question(rules: Rules, span: Span, limit: int) -> Question[list[WindowPart]]:
    """Ask for a partition's `limit` newest windows in a span."""
    low, high = span

    def read(state: Snapshot) -> list[WindowPart]:
        if low >= high:
            return []
        rows, sources = state.rows(revenue.MERGED), state.rows(revenue.SOURCES)
        return [WindowPart(*w) for w in revenue.view(rows, sources, rules, low, high, limit)]

    parameters = {"low": low, "high": high, "limit": limit}
    return Question("/v1/revenue", parameters, read, list[WindowPart])


def merge_totals(parts: Parts[TotalsPart]) -> AllTotals:
    """Add up the partitions' totals."""
    actions: dict[str, int] = {}
    for part in parts.found.values():
        for action, count in part.actions.items():
            actions[action] = actions.get(action, 0) + count
    return AllTotals(
        actions=actions,
        purchases=sum(part.purchases for part in parts.found.values()),
        revenue=money(sum(part.revenue for part in parts.found.values())),
        complete=not parts.missing,
        missing=parts.missing,
    )


def merge_revenue(parts: Parts[list[WindowPart]], limit: int) -> RevenuePage:
    """Put the partitions' windows into one page; each part holds one more than `limit`, if it can.

    A window has one owner, so that no two parts hold the same one.
    """
    windows = [window for part in parts.found.values() for window in part]
    windows.sort(key=lambda window: window.start, reverse=True)
    page = windows[:limit]
    return RevenuePage(
        windows=[_shown(window) for window in page],
        next=encode_cursor(page[-1].start) if len(windows) > limit else None,
        complete=not parts.missing,
        missing=parts.missing,
    )


def _shown(window: WindowPart) -> RevenueWindow:
    """Give a window as it is answered; a thousand of them are not checked one by one."""
    return RevenueWindow.model_construct(
        start=instant(window.start),
        end=instant(window.end),
        revenue=money(window.revenue),
        purchases=window.purchases,
        closed=window.closed,
    )


def before(span: Span, cursor: int | None) -> Span:
    """Narrow a span to the windows that start before the cursor's."""
    return span if cursor is None else Span(span.low, min(span.high, cursor, FOREVER))


class Overall:
    """Asks every owner."""

    def __init__(self, membership: Membership, peers: Peers) -> None:
        """`membership`: who owns what."""
        self._membership = membership
        self._peers = peers
        self.turns = Turns()

    async def local(self, question: Question[P], numbers: Iterable[int]) -> dict[int, P]:
        """Answer for those of these partitions that this worker owns and may answer for."""
        found: dict[int, P] = {}
        read = self._membership.read
        for number in numbers:
            with suppress(ProblemError):
                found[number] = await self.turns.run(partial(read, number, question.read))
        return found

    async def ask(self, question: Question[P]) -> Parts[P]:
        """Ask all owners at once; those again whose partitions have moved meanwhile."""
        found: dict[int, P] = {}
        asked: dict[int, str] = {}
        everything = range(self._membership.partitions)
        for _ in range(2):
            owners = self._membership.owners()
            open_ones = [n for n in everything if n not in found]
            if not any(owners.get(n) != asked.get(n) for n in open_ones):
                break
            asked = owners
            found.update(await self._round(question, open_ones, owners))
        return Parts(found, [n for n in everything if n not in found])

    async def _round(
        self, question: Question[P], wanted: Sequence[int], owners: Mapping[int, str]
    ) -> dict[int, P]:
        here = [n for n in wanted if self._membership.owns(n)]
        there: dict[str, list[int]] = {}
        for number in wanted:
            url = owners.get(number, self._membership.url)
            if url != self._membership.url and number not in here:
                there.setdefault(url, []).append(number)
        remote = [asyncio.create_task(self._remote(question, *item)) for item in there.items()]
        found = await self.local(question, here)
        for answers in await asyncio.gather(*remote):
            found.update(answers)
        return found

    async def _remote(self, question: Question[P], url: str, numbers: list[int]) -> dict[int, P]:
        listed = ",".join(map(str, numbers))
        parameters: dict[str, str | int] = {"partitions": listed, **question.parameters}
        try:
            answer = await self._peers.get(url, question.path, parameters)
            if answer.status != 200:
                return {}
            parts = msgspec.json.decode(answer.body, type=dict[int, question.kind])  # type: ignore[name-defined]
        except (PeerError, msgspec.MsgspecError):
            return {}
        return {number: part for number, part in parts.items() if number in numbers}
