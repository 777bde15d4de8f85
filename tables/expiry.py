"""What to drop when: an index by time beside the tables that forget (reliability, rule 12).

A member (a user, say) is entered once under a time; when stream time is past it, the table looks at
the member, drops what is past its time, and enters it again if something is left. A bounded number
at a time: readers never see the difference, since every view leaves out by itself what is past.
"""

from collections.abc import Callable
from heapq import heappop, heappush
from typing import Self

import msgspec

from tables.keys import LAST_NUMBER, LAST_TIME, TIME_NUMBER
from tables.rows import Rows, Table

# Members are entered under multiples of this many ms.
_SLOT = 60_000
_ROW_BYTES = 8192
_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(tuple[int, int, list[str]]).decode


def slot(time: int) -> int:
    """Give the time under which to enter what has no more use after `time` (ms)."""
    return time - time % _SLOT + _SLOT


class IndexRow:
    """Members of one slot: number 0 is the row that grows, `sealed` the number of full ones."""

    __slots__ = ("members", "sealed", "size")

    def __init__(self) -> None:
        """Start empty."""
        self.members: list[str] = []
        self.size = 0
        self.sealed = 0

    @classmethod
    def decode(cls, data: bytes) -> Self:
        """See `Row`."""
        row = cls.__new__(cls)
        row.sealed, row.size, row.members = _decode(data)
        return row

    def encode(self) -> bytes:
        """See `Row`."""
        return _encode((self.sealed, self.size, self.members))

    def copy(self) -> Self:
        """See `Row`."""
        cls = type(self)
        row = cls.__new__(cls)
        row.sealed, row.size, row.members = self.sealed, self.size, self.members.copy()
        return row


IndexTable = Table[tuple[int, int], IndexRow]
IndexRows = Rows[tuple[int, int], IndexRow]


def index_table(name: str, prefix: bytes) -> IndexTable:
    """Make the index of a table, to be kept beside it."""
    return Table(name, prefix, IndexRow, TIME_NUMBER)


class Expiry:
    """The index of one table in one partition."""

    def __init__(self, index: IndexRows) -> None:
        """See the module."""
        self._index = index
        # Times under which something may be entered, the soonest first. One whose entries were
        # rolled back stays in it, and is found empty.
        self._known = {due for (due, _), _row in index.scan((0, 0), (LAST_TIME, LAST_NUMBER))}
        self._dues = sorted(self._known)

    def enter(self, member: str, due: int) -> None:
        """Have the member looked at once stream time is past `due`, a `slot`."""
        if due not in self._known:
            self._known.add(due)
            heappush(self._dues, due)
        row = self._index.edit((due, 0))
        row.members.append(member)
        row.size += len(member)
        if row.size >= _ROW_BYTES:
            row.sealed += 1
            full = IndexRow()
            full.members, full.size = row.members, row.size
            self._index.put((due, row.sealed), full)
            row.members, row.size = [], 0

    def sweep(self, stream_time: int, look_at: Callable[[str], None], limit: int = 2000) -> int:
        """Have about `limit` members at most looked at; how many were.

        A time stays known until a sweep has nothing to do for it: what this one deletes may be
        taken back.
        """
        done, touched, emptied = 0, set[int](), list[int]()
        try:
            while self._dues and self._dues[0] < stream_time and done < limit:
                due = self._dues[0]
                head = self._index.get((due, 0))
                if head is not None:
                    touched.add(due)
                    done += self._sweep_row(due, head, look_at)
                elif due in touched:
                    emptied.append(heappop(self._dues))
                else:
                    self._known.discard(heappop(self._dues))
        finally:
            for due in emptied:
                heappush(self._dues, due)
        return done

    def _sweep_row(self, due: int, head: IndexRow, look_at: Callable[[str], None]) -> int:
        """Deal with one row's members: a full one, or the growing one when it is the last."""
        number = head.sealed
        row = self._index.get((due, number)) if number else head
        members = row.members if row is not None else []
        if number:
            self._index.edit((due, 0)).sealed -= 1
        self._index.delete((due, number))
        for member in members:
            look_at(member)
        return len(members)
