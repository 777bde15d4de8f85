"""The clicks that purchases look back on, by user (contract 4, enrichment)."""

from collections.abc import Iterator

from tables.expiry import Expiry
from tables.keys import USER, USER_NUMBER
from tables.log_rows import LogRow, pieces
from tables.rows import CommittedRows, Table
from tables.rules import Rules
from tables.slots import IndexRows, index_table
from tables.user_log import LogRows, PartRows, UserLog

CLICKS = Table("recent-clicks", b"c", LogRow, USER)
CLICK_PARTS = Table("recent-clicks-parts", b"d", LogRow, USER_NUMBER)
CLICKS_EXPIRY = index_table("recent-clicks-expiry", b"C")

# An item: (event time in ms, offset, page).
Item = tuple[int, int, str]
ITEM_BYTES = 24


class RecentClicks(UserLog):
    """Keeps clicks as long as a purchase may look back on them."""

    def __init__(self, rows: LogRows, parts: PartRows, index: IndexRows, rules: Rules) -> None:
        """`rows`, `parts`, `index`: of `CLICKS`, `CLICK_PARTS`, `CLICKS_EXPIRY`."""
        super().__init__(rows, parts, Expiry(index), rules.click_keep)
        self._window = rules.join_window
        self._most = rules.max_pages

    def pages_before(self, user_id: str, time: int, stream_time: int) -> list[str]:
        """Pages of the kept clicks in [time - 10 min, time]; the newest 50 at most."""
        low = max(time - self._window, stream_time - self._keep)
        row = self._rows.get(user_id)
        if row is None:
            return []
        items = row.items
        # Most users have a few clicks, all of them recent.
        few = not row.parts and 0 < len(items) <= self._most
        if few and items[0][0] >= low and items[-1][0] <= time:
            return [item[2] for item in items]
        return [item[2] for item in self.between(user_id, low, time, self._most)]


def view(
    rows: CommittedRows[str, LogRow],
    parts: CommittedRows[tuple[str, int], LogRow],
    user_id: str,
    as_of: int,
    rules: Rules,
) -> Iterator[list[Item]]:
    """Give all clicks with event time in [as_of - 10 min, as_of] (contract 6), oldest first.

    They come in lists of about `SOME` or fewer, and all that is needed of the rows is read by this
    call: a user may have tens of thousands, and who shows them may give way between two lists.
    """
    return pieces(rows, parts, user_id, as_of - rules.join_window, as_of)
