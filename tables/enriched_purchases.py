"""Enriched purchases by user, for the view (contract 6); kept `retention` after their time."""

from tables.expiry import Expiry
from tables.keys import USER, USER_NUMBER
from tables.log_rows import LogRow, between
from tables.row import RowReader
from tables.rows import Table
from tables.rules import Rules
from tables.slots import IndexRows, index_table
from tables.user_log import LogRows, PartRows, UserLog

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


# After every user's key: a user has 256 bytes at most.
_BEYOND = "x" * 257


def newest_of(
    rows: RowReader[str, LogRow],
    parts: RowReader[tuple[str, int], LogRow],
    after: str,
    users: int,
    limit: int,
) -> tuple[list[tuple[str, Item]], str | None]:
    """Give the newest purchases, `limit` at most, of the `users` users that follow `after`.

    To go through a whole partition in pieces, in the order of keys; the last user goes with the
    answer, None if there are no more.
    """
    found: list[tuple[str, Item]] = []
    last: str | None = None
    for seen, (user_id, row) in enumerate(rows.scan(after, _BEYOND)):
        last = user_id
        if user_id != after:
            items = row.items
            if row.parts:
                items = between(rows, parts, user_id, 0, 2**62, limit)
            found += [(user_id, item) for item in items[-limit:]]
        if seen >= users:
            break
    else:
        last = None
    return sorted(found, key=lambda one: one[1][:2])[-limit:], last
