"""Rows of counts by window: a user's windows that start in one stretch of time share one."""

from typing import NamedTuple, Self

import msgspec

from tables.keys import USER_TIME, UserTime
from tables.rows import Table
from tables.slots import IndexTable, index_table
from tables.user_rows import UserPart

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(dict[int, int]).decode
_decode_newest = msgspec.msgpack.Decoder(tuple[int, dict[int, int]]).decode


class CountsRow:
    """One user's counts by the window's number in the row's stretch of time."""

    __slots__ = ("counts",)

    def __init__(self) -> None:
        """Start empty."""
        self.counts: dict[int, int] = {}

    @classmethod
    def decode(cls, data: bytes) -> Self:
        """See `Row`."""
        row = cls.__new__(cls)
        row.counts = _decode(data)
        return row

    def encode(self) -> bytes:
        """See `Row`."""
        return _encode(self.counts)

    def copy(self) -> Self:
        """See `Row`."""
        cls = type(self)
        row = cls.__new__(cls)
        row.counts = self.counts.copy()
        return row


class NewestCounts(CountsRow):
    """The counts of a user's newest stretch of time, and which that is; -1 for none."""

    __slots__ = ("stretch",)

    def __init__(self) -> None:
        """Start empty."""
        super().__init__()
        self.stretch = -1

    @classmethod
    def decode(cls, data: bytes) -> Self:
        """See `Row`."""
        row = cls.__new__(cls)
        row.stretch, row.counts = _decode_newest(data)
        return row

    def encode(self) -> bytes:
        """See `Row`."""
        return _encode((self.stretch, self.counts))

    def copy(self) -> Self:
        """See `Row`."""
        row = super().copy()
        row.stretch = self.stretch
        return row


class CountTables(NamedTuple):
    """Where one computation keeps its counts.

    `newest`: its part of the users' rows, if it has one; `closings` where it wants to know of
    closes.
    """

    name: str
    counts: Table[UserTime, CountsRow]
    expiry: IndexTable
    closings: IndexTable | None = None
    newest: UserPart[NewestCounts] | None = None

    @classmethod
    def of(
        cls,
        name: str,
        counts: bytes,
        expiry: bytes,
        closings: bytes | None = None,
        place: int | None = None,
    ) -> "CountTables":
        """Make a computation's tables.

        Bytes are prefixes in the store, see `Table`; `place`: see `UserPart`.
        """
        return cls(
            name,
            Table(name, counts, CountsRow, USER_TIME),
            index_table(f"{name}-expiry", expiry),
            index_table(f"{name}-closings", closings) if closings else None,
            UserPart(place, NewestCounts) if place is not None else None,
        )
