"""Enriched purchases by user, for the view (contract 6); kept `retention` after their time."""

from tables.expiry import Expiry
from tables.keys import USER, USER_NUMBER
from tables.rows import RowReader, Table
from tables.rules import Rules
from tables.slots import IndexRows, index_table
from tables.user_log import LogRow, LogRows, PartRows, UserLog, between

ENRICHED = Table("enriched-purchases", b"e", LogRow, USER)
ENRICHED_PARTS = Table("enriched-purchases-parts", b"f", LogRow, USER_NUMBER)
ENRICHED_EXPIRY = index_table("enriched-purchases-expiry", b"E")

# An item: (event time in ms, offset, product, amount in millionths, pages).
Item = tuple[int, int, str, int, list[str]]
_ITEM_BYTES = 40


class EnrichedPurchases(UserLog):
    """Keeps what was published, to be asked for by user."""

    def __init__(self, rows: LogRows, parts: PartRows, index: IndexRows, rules: Rules) -> None:
        """`rows`, `parts`, `index`: of `ENRICHED`, `ENRICHED_PARTS`, `ENRICHED_EXPIRY`."""
        super().__init__(rows, parts, Expiry(index), rules.retention)

    def add(self, user_id: str, item: Item, size: int, stream_time: int) -> None:
        """Keep an enriched purchase of about `size` bytes, unless it is past its retention."""
        if stream_time - item[0] <= self._keep:
            self.append(user_id, item, size + _ITEM_BYTES, stream_time)


def view(
    rows: RowReader[str, LogRow],
    parts: RowReader[tuple[str, int], LogRow],
    user_id: str,
    as_of: int,
    rules: Rules,
    limit: int,
) -> list[Item]:
    """Give a user's enriched purchases, the newest first, `limit` at most."""
    return between(rows, parts, user_id, as_of - rules.retention, as_of, limit)[::-1]
