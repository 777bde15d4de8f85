"""The join of a purchase with the clicks before it, by event time (contract 4)."""

from sys import intern
from typing import NamedTuple

from tables.outcome import Late
from tables.recent_clicks import ITEM_BYTES, RecentClicks
from tables.rules import Rules
from tables.undo import StreamTime

NAME = "enrichment"


class Joined(NamedTuple):
    """A purchase's pages; `late` where it stood more than the grace behind stream time."""

    pages: list[str]
    late: Late | None


class Enrichment:
    """One partition's join. It takes clicks and purchases in the order of the merge."""

    def __init__(self, clicks: RecentClicks, stream_time: StreamTime, rules: Rules) -> None:
        """`stream_time`: of this computation in this partition."""
        self._clicks = clicks
        self._append = clicks.append
        self._time = stream_time
        self._rules = rules
        self._keep = rules.click_keep

    def click(self, user_id: str, time: int, offset: int, page: str) -> Late | None:
        """Take a click: it is kept, unless it is late.

        A shop has few pages and many clicks: interned, a page is held once.
        """
        now = self._time.advance(time)
        if now - time > self._keep:
            return Late(NAME, now - time, now)
        self._append(user_id, (time, offset, intern(page)), len(page) + ITEM_BYTES, now)
        return None

    def purchase(self, user_id: str, time: int) -> Joined:
        """Take a purchase: give the pages of its user's clicks, late or not."""
        now = self._time.advance(time)
        pages = self._clicks.pages_before(user_id, time, now)
        behind = now - time - self._rules.join_wait
        late = Late(NAME, now - time, now) if behind > self._rules.grace else None
        return Joined(pages, late)

    @property
    def overdue(self) -> bool:
        """Whether `sweep` has more to do."""
        return self._clicks.overdue

    def sweep(self) -> None:
        """Drop a bounded number of clicks that are past their time."""
        self._clicks.sweep(self._time.value)
