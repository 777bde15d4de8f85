"""Which rows to drop when: an index by time beside the tables that forget (reliability, rule 12).

A row of a time bucket is entered once, when it is made, under the time at which it has no more
use. `sweep` drops what is due, a bounded number of rows at a time: readers never see the difference
since every view leaves out by itself what is past its time.
"""

from collections.abc import Callable

import msgspec

from tables import packed
from tables.keys import part_key, time_key, time_of
from tables.packed import PackedRow
from tables.rows import Rows

_encode = msgspec.msgpack.Encoder().encode
_keys = msgspec.msgpack.Decoder(list[bytes]).decode
_FIRST, _NEVER = time_key(0), b"\xff" * 9


class Expiry:
    """The index of one table: due time (ms) -> keys of rows to drop then."""

    def __init__(self, index: Rows[PackedRow], drop: Callable[[bytes], int]) -> None:
        """`drop`: deletes the row of a key and says how many rows that were."""
        self._index = index
        self._drop = drop
        self._next = self._first_due()

    def enter(self, key: bytes, due: int) -> None:
        """Have the row at `key` dropped once stream time is past `due`."""
        packed.append(self._index, time_key(due), due, _encode(key))
        if due < self._next:
            self._next = due

    def sweep(self, stream_time: int, limit: int = 2000) -> int:
        """Drop rows that are due, about `limit` at most; how many were dropped."""
        dropped = 0
        while self._next < stream_time and dropped < limit:
            dropped += self._sweep_row(time_key(self._next))
            self._next = self._first_due()
        return dropped

    def _sweep_row(self, key: bytes) -> int:
        """Drop one index row's worth: the newest part of the head, then the head itself."""
        row = self._index.get(key)
        if row is None:
            return 0
        if row.parts:
            number = row.parts[-1].number
            part = part_key(key, number)
            dropped = self._drop_all(self._index.get(part))
            self._index.delete(part)
            head = self._index.edit(key)
            head.parts = head.parts[:-1]
            return dropped
        dropped = self._drop_all(row)
        self._index.delete(key)
        return dropped

    def _drop_all(self, row: PackedRow | None) -> int:
        return 0 if row is None else sum(map(self._drop, _keys(row.array)))

    def _first_due(self) -> int:
        for key, _ in self._index.scan(_FIRST, _NEVER):
            return time_of(key[:8])
        return 1 << 62
