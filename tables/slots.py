"""An index by time: members entered under a slot, a multiple of some ms, in rows that are bounded.

Number 0 of a slot is the row that grows; what comes to about 8 KB is sealed under the next number.
"""

from collections.abc import Iterator
from typing import Self

import msgspec

from tables.keys import TIME_NUMBER
from tables.rows import Rows, Table

_ROW_BYTES = 8192
_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(tuple[int, int, list[str]]).decode


class SlotRow:
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


IndexTable = Table[tuple[int, int], SlotRow]
IndexRows = Rows[tuple[int, int], SlotRow]


def index_table(name: str, prefix: bytes) -> IndexTable:
    """Make the index of a table, to be kept beside it."""
    return Table(name, prefix, SlotRow, TIME_NUMBER)


class Slots:
    """The index of one table in one partition."""

    def __init__(self, rows: IndexRows) -> None:
        """See the module."""
        self._rows = rows

    def within(self, low: int, high: int) -> Iterator[int]:
        """Give the slots in [low, high) that have members, in order.

        Each is one look at the store, however many members it has.
        """
        while (found := next(self._rows.scan((low, 0), (high, 0)), None)) is not None:
            (slot, _), _row = found
            yield slot
            low = slot + 1

    def enter(self, member: str, slot: int) -> None:
        """Enter a member."""
        row = self._rows.edit((slot, 0))
        row.members.append(member)
        row.size += len(member)
        if row.size >= _ROW_BYTES:
            row.sealed += 1
            full = SlotRow()
            full.members, full.size = row.members, row.size
            self._rows.put((slot, row.sealed), full)
            row.members, row.size = [], 0

    def members(self, slot: int) -> Iterator[str]:
        """Go through a slot's members."""
        head = self._rows.get((slot, 0))
        if head is not None:
            yield from head.members
            for number in range(1, head.sealed + 1):
                row = self._rows.get((slot, number))
                yield from row.members if row is not None else ()

    def has(self, slot: int) -> bool:
        """Whether a slot has members."""
        return self._rows.get((slot, 0)) is not None

    def drop(self, slot: int) -> None:
        """Forget a slot and its members."""
        head = self._rows.get((slot, 0))
        if head is not None:
            for number in range(head.sealed + 1):
                self._rows.delete((slot, number))

    def take(self, slot: int) -> list[str] | None:
        """Take one row's members out of a slot, the growing one's last; None of an empty slot."""
        head = self._rows.get((slot, 0))
        if head is None:
            return None
        number = head.sealed
        row = self._rows.get((slot, number)) if number else head
        if number:
            self._rows.edit((slot, 0)).sealed -= 1
        self._rows.delete((slot, number))
        return row.members if row is not None else []
