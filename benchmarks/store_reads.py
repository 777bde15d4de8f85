"""Measures what it costs to read a row that is not in memory: `python -m benchmarks.store_reads`.

A store of one partition is filled as a restore fills it, with many small rows in no order. Once it
has compacted its files it is asked for rows drawn at random.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

from app.engine.store.rocks import RocksStore, shared_cache
from benchmarks.measure import RunFailedError

ROWS = 2_500_000
READS = 20_000
# Half of a row's bytes can be compressed away.
_HALF = 45
_PIECE = 5_000
_CACHE_MIB = 8
"""A partition's share of a worker's cache, were there four."""


class Reads(NamedTuple):
    """What the store holds in MB on disk, and CPU microseconds a row: there, and not there."""

    megabytes: float
    found: float
    missing: float


def run_reads(folder: Path, rows: int, reads: int) -> Reads:
    """Fill a store in an empty folder and read from it."""
    draw = random.Random(1)
    keys = [b"u%09d" % number for number in range(rows)]
    order = keys.copy()
    draw.shuffle(order)
    store = RocksStore(folder, shared_cache(_CACHE_MIB))
    store.bulk(True)
    for first in range(0, rows, _PIECE):
        some = order[first : first + _PIECE]
        store.write([(key, draw.randbytes(_HALF) + b"-" * _HALF) for key in some], first)
    store.bulk(False)
    store.close()
    store = RocksStore(folder, shared_cache(_CACHE_MIB))
    while _compacts(store):
        time.sleep(0.2)
    there = draw.choices(keys, k=reads)
    found = _microseconds(store, there, reads)
    missing = _microseconds(store, [key + b"x" for key in there], 0)
    size = sum(path.stat().st_size for path in folder.glob("*.sst")) / 1e6
    store.close()
    return Reads(size, found, missing)


def _compacts(store: RocksStore) -> bool:
    names = ("num-running-compactions", "compaction-pending")
    return any(store._db.property_int_value(f"rocksdb.{name}") for name in names)


def _microseconds(store: RocksStore, keys: list[bytes], wanted: int) -> float:
    began = time.thread_time()
    found = sum(store.get(key) is not None for key in keys)
    seconds = time.thread_time() - began
    if found != wanted:
        raise RunFailedError(f"{found} of {len(keys)} rows were found, not {wanted}")
    return seconds / len(keys) * 1e6


def main() -> int:
    """Run it and print what was measured."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=ROWS)
    parser.add_argument("--reads", type=int, default=READS)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="streamjoin-reads-") as folder:
        print(f"Filling a store with {given.rows:,} rows ...", file=sys.stderr)
        found = run_reads(Path(folder) / "store", given.rows, given.reads)
    print(
        f"{given.rows:,} rows, {found.megabytes:.0f} MB on disk, {given.reads:,} reads at random: "
        f"{found.found:.1f} CPU microseconds a row, {found.missing:.1f} where there is none."
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
