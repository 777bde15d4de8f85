"""What several computations keep of a user, in one row: written once a commit, not once for each.

A computation has its `UserPart` and uses it like a table of rows by user. Parts that nobody has
looked at stay as bytes.
"""

from typing import Any, Generic, Protocol, Self, TypeVar

import msgspec

from tables.keys import USER
from tables.row import Backing, Row, RowReader
from tables.rows import Rows, Table
from tables.state import State
from tables.timers import NEVER


class DueRow(Row, Protocol):
    """A part of a user who is in a table's `Timers`."""

    due: int
    """When to look at the user, `NEVER` in a new row."""

    @staticmethod
    def due_in(data: bytes) -> int:
        """Give `due` of an encoded row, and decode no more of it than that."""


R = TypeVar("R", bound=Row)
D = TypeVar("D", bound=DueRow)

_PLACES = 4
_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(list[bytes | None]).decode


class UserRow:
    """A user's parts by their places: bytes as stored, a decoded row, or None."""

    __slots__ = ("parts",)

    def __init__(self) -> None:
        """Start without any."""
        self.parts: list[Any] = [None] * _PLACES

    @classmethod
    def decode(cls, data: bytes) -> Self:
        """See `Row`."""
        row = cls.__new__(cls)
        row.parts = list(_decode(data))
        return row

    def encode(self) -> bytes:
        """See `Row`."""
        return _encode([p if p is None or type(p) is bytes else p.encode() for p in self.parts])

    def copy(self) -> Self:
        """See `Row`."""
        cls = type(self)
        row = cls.__new__(cls)
        row.parts = [p if p is None or type(p) is bytes else p.copy() for p in self.parts]
        return row


class UserRows(Rows[str, UserRow]):
    """The live rows: an event goes through its computations one by one, all of the same user."""

    _user: str | None = None
    _edited: UserRow

    def edit(self, key: str) -> UserRow:
        """See `Rows`."""
        if key == self._user:
            return self._edited
        row = self._edited = super().edit(key)
        self._user = key
        return row

    def delete(self, key: str) -> None:
        """See `Rows`."""
        self._user = None
        super().delete(key)

    def savepoint(self) -> None:
        """See `Rows`."""
        self._user = None
        super().savepoint()

    def rollback(self) -> None:
        """See `Rows`."""
        self._user = None
        super().rollback()

    def committed(self) -> None:
        """See `Rows`."""
        self._user = None
        super().committed()

    def discard(self) -> None:
        """See `Rows`."""
        self._user = None
        super().discard()


class _UserTable(Table[str, UserRow]):
    def live(self, backing: Backing, cache_rows: int) -> UserRows:
        """See `Table`."""
        return UserRows(self, backing, cache_rows)


USER_ROWS = _UserTable("users", b"u", UserRow, USER)


class UserPart(Generic[R]):
    """One computation's part: its place in the row, and what it is."""

    def __init__(self, place: int, row: type[R]) -> None:
        """`place`: never used for another part, since it is part of the stored layout."""
        self.place = place
        self.row = row

    def of(self, state: State) -> "PartRows[R]":
        """Give the live parts."""
        return PartRows(self, state.rows(USER_ROWS))

    def reader(self, backing: Backing) -> "PartReader[R]":
        """Give the parts as `backing` holds them: committed state only."""
        return PartReader(self, USER_ROWS.reader(backing))


class PartReader(Generic[R]):
    """Committed parts by user."""

    def __init__(self, part: UserPart[R], rows: RowReader[str, UserRow]) -> None:
        """See `UserPart.reader`."""
        self._place = part.place
        self._decode = part.row.decode
        self._rows = rows

    def get(self, user_id: str) -> R | None:
        """Give the user's part, None where there is none. It must not be changed."""
        row = self._rows.get(user_id)
        part = None if row is None else row.parts[self._place]
        return None if part is None else self._decode(part)


class PartRows(Generic[R]):
    """Live parts by user, to be used as `Rows` are."""

    def __init__(self, part: UserPart[R], rows: Rows[str, UserRow]) -> None:
        """See `UserPart.of`."""
        self._rows = rows
        self._place = part.place
        self.row = part.row

    def get(self, user_id: str) -> R | None:
        """Give the user's part to read, None where there is none."""
        row = self._rows.get(user_id)
        return None if row is None else self._decoded(row)

    def glance(self, user_id: str) -> R | bytes | None:
        """Give the user's part to read once, as bytes where nobody has looked at it."""
        row = self._rows.glance(user_id)
        part: R | bytes | None = None if row is None else row.parts[self._place]
        return part

    def edit(self, user_id: str) -> R:
        """Give the user's part to change, a new one where there is none."""
        row = self._rows.edit(user_id)
        part = self._decoded(row)
        if part is None:
            part = row.parts[self._place] = self.row()
        return part

    def _decoded(self, row: UserRow) -> R | None:
        part: R | bytes | None = row.parts[self._place]
        if isinstance(part, bytes):
            part = row.parts[self._place] = self.row.decode(part)
        return part

    def delete(self, user_id: str) -> None:
        """Drop the user's part, and the row with the last one."""
        row = self._rows.edit(user_id)
        row.parts[self._place] = None
        if not any(row.parts):
            self._rows.delete(user_id)


def due_of(rows: PartRows[D], user_id: str) -> int:
    """Give the due time in the user's part, `NEVER` where there is none; to be asked of many."""
    part = rows.glance(user_id)
    if part is None:
        return NEVER
    return rows.row.due_in(part) if isinstance(part, bytes) else part.due
