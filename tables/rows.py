"""Rows of one table in one partition: a live view over committed bytes, with a savepoint.

A table's folds edit decoded rows in place; nothing reaches the store or the changelog before the
commit asks for `changes`. A batch that fails is taken back with `rollback`; a transaction that
fails with `discard`. Every row is bounded (some 10 KB): tables split what grows.
"""

from collections.abc import Callable, Iterator
from functools import partial
from heapq import merge
from typing import Generic, TypeVar

from tables.row import Backing, KeyCodec, Row

K = TypeVar("K")
R = TypeVar("R", bound=Row)

BULKY = 64 * 1024
"""Bytes from which on a row is not as tables split them: a record has a large field."""


class Table(Generic[K, R]):
    """A table's name, its one-byte key prefix in the store that all tables share, its row type."""

    def __init__(self, name: str, prefix: bytes, row: type[R], key: KeyCodec[K]) -> None:
        """`prefix`: one byte, never reused for another table: it is part of the stored layout."""
        self.name = name
        self.prefix = prefix
        self.row = row
        self.key = key

    def live(self, backing: Backing, cache_rows: int) -> "Rows[K, R]":
        """Give the table's rows with an open transaction over `backing`."""
        return Rows(self, backing, cache_rows)

    def reader(self, backing: Backing) -> "CommittedRows[K, R]":
        """Give the table's rows as `backing` holds them: committed state only."""
        return CommittedRows(self, backing)


class CommittedRows(Generic[K, R]):
    """A `RowReader` of committed rows."""

    def __init__(self, table: Table[K, R], backing: Backing) -> None:
        """See `Table.reader`."""
        self._prefix = table.prefix
        self._key = table.key
        self._decode = table.row.decode
        self._backing = backing

    def get(self, key: K) -> R | None:
        """See `RowReader`."""
        data = self._backing.get(self._prefix + self._key.encode(key))
        return None if data is None else self._decode(data)

    def hold(self, key: K) -> Callable[[], R] | None:
        """Read a row now, and decode it when the result is called: commits do not change it."""
        data = self._backing.get(self._prefix + self._key.encode(key))
        return None if data is None else partial(self._decode, data)

    def scan(self, low: K, high: K, *, reverse: bool = False) -> Iterator[tuple[K, R]]:
        """See `RowReader`."""
        first, end = (self._prefix + self._key.encode(key) for key in (low, high))
        for key, data in self._backing.scan(first, end, reverse=reverse):
            yield self._key.decode(key[1:]), self._decode(data)


class Rows(Generic[K, R]):
    """The live rows of a partition: committed ones, and the open transaction's edits over them.

    At most about `2 * cache_rows` clean rows stay decoded between commits, and no bulky ones:
    `bulky` has the bytes of those that were read or encoded since the last commit. While `careful`
    is off no savepoint is kept and `rollback` must not be called: a copy of each row that a batch
    touches is a tenth of the whole service's work.
    """

    def __init__(self, table: Table[K, R], backing: Backing, cache_rows: int = 8192) -> None:
        """`backing`: the committed state; it must not change but by what `changes` gave."""
        self.table = table
        self._prefix = table.prefix
        self._key = table.key
        self._row = table.row
        self._backing = backing
        self._cache_rows = cache_rows
        self._live: dict[K, R] = {}
        self._older: dict[K, R] = {}
        self._dirty: set[K] = set()
        self._gone: set[K] = set()
        # What each row was at the savepoint; None: it was not there.
        self._journal: dict[K, R | None] = {}
        self.bulky: dict[K, int] = {}
        self.careful = True

    def get(self, key: K) -> R | None:
        """Give the row to read, None where there is none."""
        row = self._live.get(key)
        return row if row is not None else self._fetch(key)

    def glance(self, key: K) -> R | None:
        """Give the row to read, and do not keep it decoded: for who goes through many."""
        row = self._live.get(key)
        if row is None:
            row = self._older.get(key)
        return row if row is not None else self._stored(key)

    def edit(self, key: K) -> R:
        """Give the row to change, a new one where there is none; it goes into the commit."""
        row = self._live.get(key)
        if row is None:
            row = self._fetch(key)
            if row is None:
                if self.careful:
                    self._journal.setdefault(key, None)
                self._dirty.add(key)
                self._gone.discard(key)
                row = self._live[key] = self._row()
                return row
        self._dirty.add(key)
        if self.careful and key not in self._journal:
            self._journal[key] = row.copy()
        return row

    def put(self, key: K, row: R) -> None:
        """Put a whole row in place of what is there."""
        self._note(key)
        self._live[key] = row
        self._gone.discard(key)
        self._dirty.add(key)

    def delete(self, key: K) -> None:
        """Drop the row; the commit writes a tombstone."""
        self._note(key)
        self._live.pop(key, None)
        self._older.pop(key, None)
        self._gone.add(key)
        self._dirty.add(key)

    def scan(self, low: K, high: K, *, reverse: bool = False) -> Iterator[tuple[K, R]]:
        """Go through committed rows and open edits of keys in [low, high), in order."""
        encode, prefix = self._key.encode, self._prefix
        first, end = encode(low), encode(high)
        stored = (
            key[1:] for key, _ in self._backing.scan(prefix + first, prefix + end, reverse=reverse)
        )
        edited = sorted(
            (data for data in map(encode, self._dirty) if first <= data < end), reverse=reverse
        )
        last: bytes | None = None
        for data in merge(stored, edited, reverse=reverse):
            if data != last:
                last = data
                key = self._key.decode(data)
                row = self.get(key)
                if row is not None:
                    yield key, row

    def _fetch(self, key: K) -> R | None:
        row = self._older.pop(key, None)
        if row is None:
            row = self._stored(key)
        if row is not None:
            self._live[key] = row
        return row

    def _stored(self, key: K) -> R | None:
        if key in self._gone:
            return None
        data = self._backing.get(self._prefix + self._key.encode(key))
        if data is None:
            return None
        if len(data) > BULKY:
            self.bulky[key] = len(data)
        return self._row.decode(data)

    def _note(self, key: K) -> None:
        if self.careful and key not in self._journal:
            row = self.get(key)
            self._journal[key] = None if row is None else row.copy()

    def savepoint(self) -> None:
        """Set the point that `rollback` goes back to."""
        self._journal.clear()

    def rollback(self) -> None:
        """Take back every edit since the savepoint.

        What was not there counts as deleted: at worst a tombstone is written for nothing.
        """
        for key, row in self._journal.items():
            self._older.pop(key, None)
            if row is None:
                self._live.pop(key, None)
                self._gone.add(key)
            else:
                self._live[key] = row
                self._gone.discard(key)
        self._journal.clear()

    def changes(self) -> Iterator[tuple[bytes, bytes | None]]:
        """Give the open edits as (key with the table's prefix, bytes or None: a tombstone).

        No edit may come before the last one is taken.
        """
        prefix, live, encode, gone = self._prefix, self._live, self._key.encode, self._gone
        for key in self._dirty:
            if key in gone:
                yield prefix + encode(key), None
                continue
            data = live[key].encode()
            if len(data) > BULKY:
                self.bulky[key] = len(data)
            yield prefix + encode(key), data

    def largest_since_savepoint(self) -> int:
        """Give the bytes of the largest row edited since the savepoint; `careful` must be on."""
        live = self._live
        edited = [live[key].encode() for key in self._journal if key in live]
        return max(map(len, edited), default=0)

    def committed(self) -> None:
        """Forget the edits after `changes` has reached the backing; keep a bounded cache."""
        self._dirty.clear()
        self._gone.clear()
        self._journal.clear()
        self._drop_bulky()
        if len(self._live) > self._cache_rows:
            self._older, self._live = self._live, {}

    def _drop_bulky(self) -> None:
        for key in self.bulky:
            self._live.pop(key, None)
            self._older.pop(key, None)
        self.bulky.clear()

    def discard(self) -> None:
        """Drop all edits since the last commit."""
        self._drop_bulky()
        for key in self._dirty:
            self._live.pop(key, None)
            self._older.pop(key, None)
        self._dirty.clear()
        self._gone.clear()
        self._journal.clear()
