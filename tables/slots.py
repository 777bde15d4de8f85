"""An index by time: members entered under a slot, a multiple of some ms, in rows that are bounded.

Number 0 of a slot is the row that grows; what comes to about 8 KB is sealed under the next number.
"""

from collections.abc import Iterator
from heapq import heappop, heappush
from typing import Self

import msgspec

from tables.keys import LAST_TIME, TIME_NUMBER
from tables.rows import Rows, Table

_ROW_BYTES = 8192
NONE = LAST_TIME
"""After every slot."""
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

    def first(self, low: int, high: int) -> int:
        """Give the first slot in [low, high) that has members, `NONE` where there is none."""
        found = next(self._rows.scan((low, 0), (high, 0)), None)
        return NONE if found is None else found[0][0]

    def last(self) -> int:
        """Give the last slot that has members, -1 where there is none."""
        found = next(self._rows.scan((0, 0), (NONE, 0), reverse=True), None)
        return -1 if found is None else found[0][0]

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


class SlotHeap:
    """Slots, each once, the soonest first."""

    def __init__(self) -> None:
        """Start without any."""
        self._heap: list[int] = []
        self._known: set[int] = set()

    def add(self, slot: int) -> None:
        """Have a slot among them."""
        if slot not in self._known:
            self._known.add(slot)
            heappush(self._heap, slot)

    @property
    def first(self) -> int:
        """The soonest, `NONE` where there is none."""
        return self._heap[0] if self._heap else NONE

    def pop(self) -> int:
        """Take the soonest out."""
        slot = heappop(self._heap)
        self._known.discard(slot)
        return slot

    def __iter__(self) -> Iterator[int]:
        """Go through them, in no order."""
        return iter(self._heap)


class Coming(SlotHeap):
    """Slots that may have members; one may turn out to be empty.

    What has been entered since the partition was acquired is known. What the store had by then is
    found slot by slot as time comes near it: one look each, however many members there are.
    """

    def __init__(self, slots: Slots) -> None:
        """Know of the store's first slot and of its last."""
        super().__init__()
        self._slots = slots
        self._end = slots.last() + 1
        self._stored = slots.first(0, self._end)

    def soonest(self, time: int) -> int | None:
        """Give the soonest slot, if it is before `time`."""
        while self._stored < time:
            self.add(self._stored)
            self._stored = self._slots.first(self._stored + 1, self._end)
        return self.first if self.first < time else None
