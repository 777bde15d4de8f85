"""The state of the hand-written loop: one partition's queues, rows and what changed in them."""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections import defaultdict, deque
from typing import Any

import msgspec

CLICKS, PURCHASES = "clicks", "purchases"
WINDOW_MS, REVENUE_MS, NEWEST = 600_000, 300_000, 50
KEPT_MS = 720_000
SWEEP_MS = 300_000

pack = msgspec.msgpack.encode
encode = msgspec.json.encode


class Click(msgspec.Struct, gc=False):
    """A value of `clicks`."""

    user_id: str
    page: str
    timestamp: float


class Purchase(msgspec.Struct, gc=False):
    """A value of `purchases`."""

    user_id: str
    product_id: str
    amount: float
    timestamp: float


Head = tuple[int, int, Any]
"""(event time in ms, offset, event)."""


class Partition:
    """The state and the two queues of one partition."""

    def __init__(self, number: int) -> None:
        """Start empty."""
        self.number = number
        self.clicks: deque[Head] = deque()
        self.purchases: deque[Head] = deque()
        self.next = {CLICKS: 0, PURCHASES: 0}
        self.recent: dict[str, list[tuple[int, int, str]]] = {}
        self.totals: dict[str, list[int]] = {}
        self.revenue: dict[int, list[int]] = defaultdict(lambda: [0, 0])
        self.dirty_recent: set[str] = set()
        self.dirty_totals: set[str] = set()
        self.dirty_revenue: set[int] = set()
        self.outputs: list[tuple[bytes, bytes]] = []
        self.time = 0
        self.swept = 0

    def take(self, wait_ms: int, clicks_ended: bool, purchases_ended: bool) -> None:
        """Handle what stands earliest until a queue that may get more has no head."""
        clicks, purchases = self.clicks, self.purchases
        while clicks or purchases:
            if not clicks:
                if not clicks_ended:
                    return
                self.purchase(*purchases.popleft())
            elif not purchases:
                if not purchases_ended:
                    return
                self.click(*clicks.popleft())
            elif clicks[0][0] <= purchases[0][0] + wait_ms:
                self.click(*clicks.popleft())
            else:
                self.purchase(*purchases.popleft())

    def click(self, at: int, offset: int, click: Click) -> None:
        """Keep a click in its user's row."""
        user = click.user_id
        row = self.recent.get(user)
        entry = (at, offset, click.page)
        if row is None:
            self.recent[user] = [entry]
        elif row[-1] < entry:
            row.append(entry)
        else:
            insort(row, entry)
        self.dirty_recent.add(user)
        self.next[CLICKS] = offset + 1
        self.time = max(self.time, at)

    def purchase(self, at: int, offset: int, purchase: Purchase) -> None:
        """Enrich and count a purchase."""
        user = purchase.user_id
        row = self.recent.get(user, ())
        last = bisect_right(row, (at + 1,))
        first = max(bisect_left(row, (at - WINDOW_MS,)), last - NEWEST)
        enriched = {
            "user_id": user,
            "product_id": purchase.product_id,
            "amount": purchase.amount,
            "recent_pages": [entry[2] for entry in row[first:last]],
        }
        self.outputs.append((user.encode(), encode(enriched)))
        micros = round(purchase.amount * 1_000_000)
        window = at // REVENUE_MS * REVENUE_MS
        for total in (self.totals.setdefault(user, [0, 0]), self.revenue[window]):
            total[0] += micros
            total[1] += 1
        self.dirty_totals.add(user)
        self.dirty_revenue.add(window)
        self.next[PURCHASES] = offset + 1

    def changes(self) -> list[tuple[bytes, bytes | None]]:
        """Return one changelog record per dirty row, a tombstone for a dropped one."""
        if self.time > self.swept + SWEEP_MS:
            self.swept = self.time
            kept = self.time - KEPT_MS
            self.dirty_recent.update(user for user, row in self.recent.items() if row[0][0] < kept)
        rows = [self._recent_change(user) for user in self.dirty_recent]
        rows += [(b"t" + user.encode(), pack(self.totals[user])) for user in self.dirty_totals]
        rows += [(pack(window), pack(self.revenue[window])) for window in self.dirty_revenue]
        self.dirty_recent.clear()
        self.dirty_totals.clear()
        return rows

    def _recent_change(self, user: str) -> tuple[bytes, bytes | None]:
        row = self.recent[user]
        kept = self.time - KEPT_MS
        if row[0][0] < kept:
            del row[: bisect_left(row, (kept,))]
        if row:
            return b"c" + user.encode(), pack(row)
        del self.recent[user]
        return b"c" + user.encode(), None
