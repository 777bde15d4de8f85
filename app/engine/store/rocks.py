"""A store on disk: one RocksDB for all tables of a partition.

A commit is one write batch that holds the changelog offset too. There is no write-ahead log: what
lies in memory reaches the disk as whole files, batches in their order and none in part, so after a
kill or a power cut at any moment the folder is exactly some committed state (reliability, rule 4),
and the changelog has the rest: a few megabytes or the last minute. With a log there is a way to
be wrong: a manifest cut short, and the log behind the gap applied as if nothing were missing.
"""

import contextlib
import logging
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from rocksdict import Cache, Rdict, WriteBatch

from app.engine import failpoints
from app.engine.errors import DamagedStoreError, NoDescriptorError
from app.engine.store import folders, options
from app.engine.store.base import Change
from app.engine.store.faults import explained
from app.engine.store.options import shared_cache

__all__ = ["RocksStore", "shared_cache"]

log = logging.getLogger(__name__)
_PLACE_KEY = b"\x00place"
_IDENTITY_KEY = b"\x00identity"
_SIZES = ("rocksdb.estimate-live-data-size", "rocksdb.cur-size-all-mem-tables")
# However little is written: how far behind the folder may be.
_FLUSH_MS = 60_000
# Rows that a scan reads at a time: first few, since many want no more.
_PIECE, _LARGEST_PIECE = 16, 1024


def _now() -> int:
    return time.time_ns() // 1_000_000


class RocksStore:
    """See `Store`."""

    def __init__(self, folder: Path, cache: Cache, tables: int = options.TABLES) -> None:
        """Open or make the database in `folder`, which no other process may have open.

        `tables`: how many of its files stay open. One that cannot be opened for damage is set
        aside. Raises StoreError, NoDescriptorError.
        """
        self._folder = folder
        self._cache = cache
        self._tables = tables
        self._writing, self._reading = options.writing(), options.reading()
        self._damage: str | None = None
        self._start()

    def _start(self) -> None:
        try:
            self._open()
        except DamagedStoreError as error:
            folders.set_aside(self._folder, str(error))
            self._open()

    def _open(self) -> None:
        folders.make(self._folder)
        # Until it is open.
        self._damage, self._starved = None, True
        self._claimed: bytes | None = None
        try:
            self._db = Rdict(str(self._folder), options.options(self._cache, self._tables))
        except Exception as error:  # rocksdict raises plain Exception
            raise explained(error, self._folder) from error
        self._db.set_read_options(self._reading)
        try:
            self._identity = self.get(_IDENTITY_KEY)
            place = self.get(_PLACE_KEY)
        except (DamagedStoreError, NoDescriptorError):
            self._close()
            raise
        self._offset = self._as_of = None
        if place is not None:
            self._offset = int.from_bytes(place[:8], "big")
            self._as_of = int.from_bytes(place[8:], "big")
        self._flushed = _now()
        self._starved = False

    @property
    def changelog_offset(self) -> int | None:
        """See `Store`."""
        return self._offset

    @property
    def as_of(self) -> int | None:
        """See `Store`."""
        return self._as_of

    @property
    def identity(self) -> bytes | None:
        """See `Store`."""
        return self._identity

    def claim(self, identity: bytes) -> None:
        """See `Store`."""
        self._claimed = identity

    def get(self, key: bytes) -> bytes | None:
        """See `Store`."""
        try:
            value: bytes | None = self._db.get(key)
        except Exception as error:
            raise self._failed(error) from None
        return value

    def scan(
        self, low: bytes, high: bytes, *, reverse: bool = False
    ) -> Iterator[tuple[bytes, bytes]]:
        """See `Store`.

        No iterator of RocksDB outlives a piece: it would keep a database open that is to be closed.
        """
        size = _PIECE
        while True:
            piece = self._piece(low, high, size, reverse)
            yield from piece
            if len(piece) < size:
                return
            size = min(4 * size, _LARGEST_PIECE)
            last = piece[-1][0]
            low, high = (low, last) if reverse else (last + b"\x00", high)

    def _piece(
        self, low: bytes, high: bytes, size: int, reverse: bool
    ) -> list[tuple[bytes, bytes]]:
        """Give the first `size` rows of a scan, all there are if fewer."""
        found: list[tuple[bytes, bytes]] = []
        rows = self._db.iter(self._reading)
        try:
            if reverse:
                rows.seek_for_prev(high)
                if rows.valid() and rows.key() == high:
                    rows.prev()
                while len(found) < size and rows.valid() and (key := rows.key()) >= low:
                    found.append((key, rows.value()))
                    rows.prev()
            else:
                rows.seek(low)
                while len(found) < size and rows.valid() and (key := rows.key()) < high:
                    found.append((key, rows.value()))
                    rows.next()
            rows.status()  # At a damaged block an iterator ends as if there were no more rows.
        except Exception as error:
            del rows
            raise self._failed(error) from None
        return found

    def write(
        self, changes: Sequence[Change], changelog_offset: int, as_of: int | None = None
    ) -> None:
        """See `Store`."""
        now = _now()
        as_of = now if as_of is None else as_of
        batch = WriteBatch(raw_mode=True)
        put, delete = batch.put, batch.delete
        for key, value in changes:
            if value is None:
                delete(key)
            else:
                put(key, value)
        put(_PLACE_KEY, changelog_offset.to_bytes(8, "big") + as_of.to_bytes(8, "big"))
        if self._claimed is not None:
            put(_IDENTITY_KEY, self._claimed)
        try:
            self._db.write(batch, self._writing)
            if now - self._flushed >= _FLUSH_MS:
                self._flushed = now
                self._db.flush(wait=False)
        except Exception as error:
            raise self._failed(error, writing=True) from error
        failpoints.store_write(self._folder, self._start_flush)
        self._offset, self._as_of = changelog_offset, as_of
        if self._claimed is not None:
            self._identity, self._claimed = self._claimed, None

    def _start_flush(self) -> None:
        self._db.flush(wait=False)

    def _failed(self, error: Exception, *, writing: bool = False) -> Exception:
        found = explained(error, self._folder, writing=writing)
        if isinstance(found, DamagedStoreError):
            self._damage = str(found)
        # After a flush that has failed RocksDB takes no writes until it is opened again.
        self._starved |= isinstance(found, NoDescriptorError)
        return found

    @property
    def size(self) -> int:
        """See `Store`."""
        try:
            return sum(self._db.property_int_value(name) or 0 for name in _SIZES)
        except Exception as error:
            raise self._failed(error) from error

    def check(self) -> None:
        """See `Store`."""
        if self._damage is not None:
            raise DamagedStoreError(self._damage)

    def renew(self) -> None:
        """See `Store`."""
        if self._damage is None and not self._starved:
            return
        self._close()
        if self._damage is not None and self._folder.exists():
            folders.set_aside(self._folder, self._damage)
        self._start()

    def bulk(self, on: bool) -> None:
        """See `Store`."""
        try:
            self._db.set_options(options.BULK if on else options.NORMAL)
        except Exception as error:
            raise self._failed(error, writing=True) from error

    def clear(self) -> None:
        """See `Store`."""
        self._close()
        folders.drop(self._folder)
        self._open()

    def _close(self) -> None:
        self._starved = True  # Where it cannot be opened again now, `renew` has to.
        with contextlib.suppress(Exception):  # Its last flush may fail: it is not wanted.
            self._db.close()
        # One whose flush has failed is closed with its last reference, and unlocked only then.
        with contextlib.suppress(AttributeError):  # There is none after a failed opening.
            del self._db

    def close(self) -> None:
        """See `Store`."""
        try:
            if hasattr(self, "_db"):
                self._db.close()
        except Exception as error:
            found = explained(error, self._folder, writing=True)
            log.warning("%s (what could not be stored is in the changelog)", found)
