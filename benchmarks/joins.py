"""What is right: the plain event-time join of all the data, and the share of it that was met."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterable
from typing import NamedTuple

import msgspec

from benchmarks.generate import Dataset, page_path, product_id, user_id

WINDOW_MS = 600_000
NEWEST = 50

Identity = tuple[str, str, int]
"""(user_id, product_id, amount in cents): what a purchase is recognised by in the output."""


class Enriched(msgspec.Struct):
    """A value of `enriched-purchases`."""

    user_id: str
    product_id: str
    amount: float
    recent_pages: list[str]

    @property
    def identity(self) -> Identity:
        """Return what the purchase is recognised by."""
        return (self.user_id, self.product_id, round(self.amount * 100))


class Verdict(NamedTuple):
    """How an output compares with what is right, in numbers of purchases."""

    expected: int
    right: int
    wrong: int
    missing: int
    extra: int

    @property
    def share(self) -> float:
        """Return the share that is exactly right, 0 to 1."""
        return self.right / self.expected if self.expected else 1.0


class History:
    """Every click of every user in order of (event time, offset)."""

    def __init__(self, data: Dataset) -> None:
        """Index `data.clicks`, whose order within a partition is that of the offsets."""
        self._clicks: dict[int, list[tuple[int, int, int]]] = defaultdict(list)
        for arrival, (user, page, at) in enumerate(data.clicks):
            self._clicks[user].append((at, arrival, page))
        for clicks in self._clicks.values():
            clicks.sort()

    def window(self, user: int, at: int) -> list[tuple[int, int, int]]:
        """Return (event time, arrival, page) of the newest 50 in [at - 10 min, at]."""
        clicks = self._clicks.get(user, [])
        last = bisect_right(clicks, (at + 1,))
        first = bisect_left(clicks, (at - WINDOW_MS,))
        return clicks[max(first, last - NEWEST) : last]


def expected_joins(data: Dataset) -> dict[Identity, list[list[str]]]:
    """Return the right `recent_pages` of each purchase, in order of arrival per identity."""
    history = History(data)
    joins: dict[Identity, list[list[str]]] = defaultdict(list)
    for user, product, cents, at in data.purchases:
        pages = [page_path(page) for _, _, page in history.window(user, at)]
        joins[user_id(user), product_id(product), cents].append(pages)
    return joins


def compare(expected: dict[Identity, list[list[str]]], outputs: Iterable[Enriched]) -> Verdict:
    """Compare outputs, in their order within a partition, with `expected_joins`."""
    due = {identity: list(reversed(pages)) for identity, pages in expected.items()}
    right = wrong = extra = 0
    for output in outputs:
        waiting = due.get(output.identity)
        if not waiting:
            extra += 1
        elif waiting.pop() == output.recent_pages:
            right += 1
        else:
            wrong += 1
    total = sum(len(pages) for pages in expected.values())
    return Verdict(total, right, wrong, total - right - wrong, extra)


def merged_share(data: Dataset, join_wait_ms: int) -> float:
    """Return the share that the contract's merge (section 4) joins rightly on a full backlog.

    It depends on the data alone: how many clicks arrive after a purchase has stopped waiting.
    """
    history = History(data)
    clicks: dict[int, list[tuple[int, int]]] = defaultdict(list)
    for arrival, (user, _, at) in enumerate(data.clicks):
        clicks[data.homes[user]].append((at, arrival))
    heads = dict.fromkeys(clicks, 0)
    right = 0
    for user, _, _, at in data.purchases:
        queue, head = clicks[data.homes[user]], heads.get(data.homes[user], 0)
        while head < len(queue) and queue[head][0] <= at + join_wait_ms:
            head += 1
        heads[data.homes[user]] = head
        taken = queue[head][1] if head < len(queue) else len(data.clicks)
        right += all(arrival < taken for _, arrival, _ in history.window(user, at))
    return right / len(data.purchases) if data.purchases else 1.0
