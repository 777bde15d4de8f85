"""Enriched purchases by user, for the view (contract 6); kept `retention` after their time."""

from typing import Any

import msgspec

from tables import packed
from tables.expiry import Expiry
from tables.keys import user_prefix, user_time_key
from tables.packed import PackedRow
from tables.rows import RowReader, Rows, Table
from tables.rules import HOUR, Rules

ENRICHED = Table("enriched-purchases", b"e", PackedRow)
ENRICHED_EXPIRY = Table("enriched-purchases-expiry", b"E", PackedRow)

# An item: (event time in ms, offset, product, amount in millionths, pages).
Item = tuple[int, int, str, int, list[str]]
_encode = msgspec.msgpack.Encoder().encode
_items: "msgspec.msgpack.Decoder[list[Any]]" = msgspec.msgpack.Decoder(list[Item])


class EnrichedPurchases:
    """Keeps what was published, to be asked for by user."""

    def __init__(self, rows: Rows[PackedRow], index: Rows[PackedRow], rules: Rules) -> None:
        """`rows`, `index`: of `ENRICHED` and `ENRICHED_EXPIRY`."""
        self._rows = rows
        self._rules = rules
        self._expiry = Expiry(index, lambda key: packed.remove(rows, key))

    def add(self, user_id: str, item: Item, stream_time: int) -> None:
        """Keep an enriched purchase, unless it is past its retention already."""
        time = item[0]
        if stream_time - time > self._rules.retention:
            return
        start = time - time % HOUR
        key = user_time_key(user_prefix(user_id), start)
        if packed.append(self._rows, key, time, _encode(item)):
            self._expiry.enter(key, start + HOUR - 1 + self._rules.retention)

    def sweep(self, stream_time: int) -> None:
        """Drop a bounded number of rows that are past their time."""
        self._expiry.sweep(stream_time)


def view(
    rows: RowReader[PackedRow], user_id: str, as_of: int, rules: Rules, limit: int
) -> list[Item]:
    """Give a user's enriched purchases, the newest first, `limit` at most."""
    low = max(as_of - rules.retention, 0)
    prefix = user_prefix(user_id)
    keys = [user_time_key(prefix, start) for start in range(low - low % HOUR, as_of + 1, HOUR)]
    return packed.newest(rows, keys, _items, low, as_of, limit)[::-1]
