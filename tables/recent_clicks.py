"""The clicks that purchases look back on, by user and 10-minute bucket (contract 4, enrichment)."""

from typing import Any

import msgspec

from tables import packed
from tables.expiry import Expiry
from tables.keys import user_prefix, user_time_key
from tables.packed import PackedRow
from tables.rows import RowReader, Rows, Table
from tables.rules import Rules

CLICKS = Table("recent-clicks", b"c", PackedRow)
CLICKS_EXPIRY = Table("recent-clicks-expiry", b"C", PackedRow)

# An item: (event time in ms, offset, page).
Item = tuple[int, int, str]
_encode = msgspec.msgpack.Encoder().encode
_items: "msgspec.msgpack.Decoder[list[Any]]" = msgspec.msgpack.Decoder(list[Item])


class RecentClicks:
    """Keeps clicks as long as a purchase may look back on them."""

    def __init__(self, rows: Rows[PackedRow], index: Rows[PackedRow], rules: Rules) -> None:
        """`rows`, `index`: of `CLICKS` and `CLICKS_EXPIRY`."""
        self._rows = rows
        self._bucket = rules.join_window
        self._rules = rules
        self._expiry = Expiry(index, lambda key: packed.remove(rows, key))

    def add(self, user_id: str, time: int, offset: int, page: str) -> None:
        """Keep a click."""
        start = time - time % self._bucket
        key = user_time_key(user_prefix(user_id), start)
        if packed.append(self._rows, key, time, _encode((time, offset, page))):
            self._expiry.enter(key, start + self._bucket - 1 + self._rules.click_keep)

    def pages_before(self, user_id: str, time: int, stream_time: int) -> list[str]:
        """Pages of the kept clicks in [time - 10 min, time]; the newest 50 at most."""
        low = max(time - self._rules.join_window, stream_time - self._rules.click_keep)
        found = _between(self._rows, user_id, self._bucket, low, time, self._rules.max_pages)
        return [page for _, _, page in found]

    def sweep(self, stream_time: int) -> None:
        """Drop a bounded number of rows that are past their time."""
        self._expiry.sweep(stream_time)


def _between(
    rows: RowReader[PackedRow], user_id: str, bucket: int, low: int, high: int, limit: int | None
) -> list[Item]:
    prefix = user_prefix(user_id)
    low = max(low, 0)
    starts = range(low - low % bucket, high + 1, bucket)
    keys = [user_time_key(prefix, start) for start in starts]
    return packed.newest(rows, keys, _items, low, high, limit)


def view(rows: RowReader[PackedRow], user_id: str, as_of: int, rules: Rules) -> list[Item]:
    """Give all clicks with event time in [as_of - 10 min, as_of] (contract 6), oldest first."""
    return _between(rows, user_id, rules.join_window, as_of - rules.join_window, as_of, None)
