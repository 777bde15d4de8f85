"""Rows of one table in one partition: a live view over committed bytes, with a savepoint.

A table's folds edit decoded rows in place; nothing reaches the store or the changelog before the
commit asks for `changes`. A batch that fails is taken back with `rollback`; a transaction that
fails with `discard`. Every row is bounded (some 10 KB): tables split what grows.
"""

from collections.abc import Iterator
from heapq import merge
from typing import Generic, Protocol, Self, TypeVar


class Row(Protocol):
    """A mutable, decoded row. Its items are immutable, so that a shallow copy is a savepoint."""

    @classmethod
    def decode(cls, data: bytes) -> Self:
        """Make it from `encode`'s bytes."""

    def encode(self) -> bytes:
        """Give its bytes as they lie in store and changelog."""

    def copy(self) -> Self:
        """Give a shallow copy that later edits of this one do not touch."""


R = TypeVar("R", bound=Row)
R_co = TypeVar("R_co", bound=Row, covariant=True)


class Backing(Protocol):
    """Committed bytes by key, in the order of keys."""

    def get(self, key: bytes) -> bytes | None:
        """Give the value, None where there is none."""

    def scan(
        self, low: bytes, high: bytes, *, reverse: bool = False
    ) -> Iterator[tuple[bytes, bytes]]:
        """Go through keys in [low, high), upwards or, reversed, downwards."""


class RowReader(Protocol[R_co]):
    """What a view needs of a table: rows by key and by range of keys."""

    def get(self, key: bytes) -> R_co | None:
        """Give the row, None where there is none. It must not be changed."""

    def scan(
        self, low: bytes, high: bytes, *, reverse: bool = False
    ) -> Iterator[tuple[bytes, R_co]]:
        """Go through rows of keys in [low, high), upwards or, reversed, downwards."""


class Table(Generic[R]):
    """A table's name, its one-byte key prefix in the store that all tables share, its row type."""

    def __init__(self, name: str, prefix: bytes, row: type[R]) -> None:
        """`prefix`: one byte, never reused for another table: it is part of the stored layout."""
        self.name = name
        self.prefix = prefix
        self.row = row

    def reader(self, backing: Backing) -> "CommittedRows[R]":
        """Give the table's rows as `backing` holds them: committed state only."""
        return CommittedRows(self, backing)


class CommittedRows(Generic[R]):
    """A `RowReader` of committed rows."""

    def __init__(self, table: Table[R], backing: Backing) -> None:
        """See `Table.reader`."""
        self._prefix = table.prefix
        self._decode = table.row.decode
        self._backing = backing

    def get(self, key: bytes) -> R | None:
        """See `RowReader`."""
        data = self._backing.get(self._prefix + key)
        return None if data is None else self._decode(data)

    def scan(self, low: bytes, high: bytes, *, reverse: bool = False) -> Iterator[tuple[bytes, R]]:
        """See `RowReader`."""
        prefix = self._prefix
        for key, data in self._backing.scan(prefix + low, prefix + high, reverse=reverse):
            yield key[1:], self._decode(data)


class Rows(Generic[R]):
    """The live rows of a partition: committed ones, and the open transaction's edits over them.

    At most about `2 * cache_rows` clean rows stay decoded between commits.
    """

    def __init__(self, table: Table[R], backing: Backing, cache_rows: int = 8192) -> None:
        """`backing`: the committed state; it must not change but by what `changes` gave."""
        self.table = table
        self._prefix = table.prefix
        self._row = table.row
        self._backing = backing
        self._cache_rows = cache_rows
        self._live: dict[bytes, R] = {}
        self._older: dict[bytes, R] = {}
        self._dirty: set[bytes] = set()
        self._gone: set[bytes] = set()
        # What each row was at the savepoint: None is "not there".
        self._journal: dict[bytes, R | None] = {}
        self._journal_dirty: dict[bytes, tuple[bool, bool]] = {}

    def get(self, key: bytes) -> R | None:
        """Give the row to read, None where there is none."""
        row = self._live.get(key)
        return row if row is not None else self._fetch(key)

    def edit(self, key: bytes) -> R:
        """Give the row to change, a new one where there is none; it goes into the commit."""
        row = self._live.get(key)
        if row is None:
            row = self._fetch(key)
        if key not in self._journal:
            self._note(key, row)
        if row is None:
            row = self._live[key] = self._row()
            self._gone.discard(key)
        self._dirty.add(key)
        return row

    def put(self, key: bytes, row: R) -> None:
        """Put a whole row in place of what is there."""
        if key not in self._journal:
            self._note(key, self.get(key))
        self._live[key] = row
        self._gone.discard(key)
        self._dirty.add(key)

    def delete(self, key: bytes) -> None:
        """Drop the row; the commit writes a tombstone."""
        if key not in self._journal:
            self._note(key, self.get(key))
        self._live.pop(key, None)
        self._older.pop(key, None)
        self._gone.add(key)
        self._dirty.add(key)

    def scan(self, low: bytes, high: bytes, *, reverse: bool = False) -> Iterator[tuple[bytes, R]]:
        """Go through committed rows and open edits of keys in [low, high), in order."""
        prefix = self._prefix
        stored = (
            key[1:] for key, _ in self._backing.scan(prefix + low, prefix + high, reverse=reverse)
        )
        edited = sorted((key for key in self._dirty if low <= key < high), reverse=reverse)
        last: bytes | None = None
        for key in merge(stored, edited, reverse=reverse):
            if key != last and key not in self._gone:
                row = self.get(key)
                if row is not None:
                    yield key, row
            last = key

    def _fetch(self, key: bytes) -> R | None:
        row = self._older.pop(key, None)
        if row is None:
            if key in self._gone:
                return None
            data = self._backing.get(self._prefix + key)
            if data is None:
                return None
            row = self._row.decode(data)
        self._live[key] = row
        return row

    def _note(self, key: bytes, row: R | None) -> None:
        self._journal[key] = None if row is None else row.copy()
        self._journal_dirty[key] = (key in self._dirty, key in self._gone)

    def savepoint(self) -> None:
        """Set the point that `rollback` goes back to."""
        self._journal.clear()
        self._journal_dirty.clear()

    def rollback(self) -> None:
        """Take back every edit since the savepoint."""
        for key, row in self._journal.items():
            dirty, gone = self._journal_dirty[key]
            self._older.pop(key, None)
            if row is None:
                self._live.pop(key, None)
            else:
                self._live[key] = row
            (self._dirty.add if dirty else self._dirty.discard)(key)
            (self._gone.add if gone else self._gone.discard)(key)
        self.savepoint()

    def changes(self) -> list[tuple[bytes, bytes | None]]:
        """Give the open edits as (key with the table's prefix, bytes or None: a tombstone)."""
        prefix, live, gone = self._prefix, self._live, self._gone
        return [(prefix + key, None if key in gone else live[key].encode()) for key in self._dirty]

    def committed(self) -> None:
        """Forget the edits after `changes` has reached the backing; keep a bounded cache."""
        self._dirty.clear()
        self._gone.clear()
        self.savepoint()
        if len(self._live) > self._cache_rows:
            self._older, self._live = self._live, {}

    def discard(self) -> None:
        """Drop all edits since the last commit."""
        for key in self._dirty:
            self._live.pop(key, None)
            self._older.pop(key, None)
        self._dirty.clear()
        self._gone.clear()
        self.savepoint()
