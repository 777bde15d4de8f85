"""A store on disk: one RocksDB for all tables of a partition.

A commit is one write batch that holds the changelog offset too, so that after a kill at any moment
the folder is exactly some committed state (reliability, rule 4). The write-ahead log is not
synced: what a power cut takes is read again from the changelog.
"""

import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

from rocksdict import BlockBasedOptions, Cache, Options, Rdict, WriteBatch

from app.engine import failpoints
from app.engine.store.base import Change
from app.errors import UserError

_OFFSET_KEY = b"\x00changelog-offset"
_MIB = 1 << 20


def shared_cache(mebibytes: int) -> Cache:
    """Make the block cache that all partitions of a worker share."""
    return Cache(mebibytes * _MIB)


def _options(cache: Cache) -> Options:
    blocks = BlockBasedOptions()
    blocks.set_block_cache(cache)
    blocks.set_bloom_filter(10, False)
    blocks.set_cache_index_and_filter_blocks(True)
    options = Options(raw_mode=True)
    options.create_if_missing(True)
    options.set_block_based_table_factory(blocks)
    options.set_write_buffer_size(4 * _MIB)
    options.set_max_write_buffer_number(2)
    options.set_max_background_jobs(2)
    options.set_memtable_whole_key_filtering(True)
    options.set_memtable_prefix_bloom_ratio(0.1)
    options.set_max_open_files(64)
    options.set_keep_log_file_num(2)
    options.set_max_log_file_size(_MIB)
    return options


def _open(folder: Path, cache: Cache) -> Rdict:
    try:
        return Rdict(str(folder), _options(cache))
    except Exception as error:  # rocksdict raises plain Exception
        if "lock" in str(error).lower():
            raise UserError(
                f"another process has {folder} open: give each worker a data folder of its own "
                "(--data-dir)"
            ) from error
        raise UserError(f"the store in {folder} cannot be opened: {error}") from error


class RocksStore:
    """See `Store`."""

    def __init__(self, folder: Path, cache: Cache) -> None:
        """Open or make the database in `folder`, which no other process may have open."""
        self._folder = folder
        self._cache = cache
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._db = _open(folder, cache)
        stored = self._db.get(_OFFSET_KEY)
        self._offset = None if stored is None else int.from_bytes(stored, "big")

    @property
    def changelog_offset(self) -> int | None:
        """See `Store`."""
        return self._offset

    def get(self, key: bytes) -> bytes | None:
        """See `Store`."""
        value: bytes | None = self._db.get(key)
        return value

    def scan(
        self, low: bytes, high: bytes, *, reverse: bool = False
    ) -> Iterator[tuple[bytes, bytes]]:
        """See `Store`."""
        rows = self._db.iter()
        if reverse:
            rows.seek_for_prev(high)
            if rows.valid() and rows.key() == high:
                rows.prev()
            while rows.valid() and (key := rows.key()) >= low:
                yield key, rows.value()
                rows.prev()
        else:
            rows.seek(low)
            while rows.valid() and (key := rows.key()) < high:
                yield key, rows.value()
                rows.next()

    def write(self, changes: Sequence[Change], changelog_offset: int) -> None:
        """See `Store`."""
        batch = WriteBatch(raw_mode=True)
        for key, value in changes:
            if value is None:
                batch.delete(key)
            else:
                batch.put(key, value)
        batch.put(_OFFSET_KEY, changelog_offset.to_bytes(8, "big"))
        failpoints.store_write(self._folder, batch.size_in_bytes())
        self._db.write(batch)
        self._offset = changelog_offset

    def clear(self) -> None:
        """See `Store`."""
        self._db.close()
        shutil.rmtree(self._folder)
        self._folder.mkdir(parents=True, mode=0o700)
        self._db = _open(self._folder, self._cache)
        self._offset = None

    def close(self) -> None:
        """See `Store`."""
        self._db.close()
