"""A worker whose disk fills up: soon no file may be longer than a few kilobytes.

The kernel refuses by the limit on the length of files, which needs no disk of our own to fill.
"""

import resource
from collections.abc import Sequence
from itertools import count

from app.cli.main import main
from app.engine.store import rocks
from app.engine.store.base import Change

LIMIT = 1_450
"""Bytes: more than the worker has to say in its log, less than a table of a few rows."""
FREE = 6
"""Writes until then."""

_write = rocks.RocksStore.write
_passes = count(1)


def write_until_full(
    self: rocks.RocksStore, changes: Sequence[Change], offset: int, as_of: int | None = None
) -> None:
    if next(_passes) == FREE:
        resource.setrlimit(resource.RLIMIT_FSIZE, (LIMIT, resource.RLIM_INFINITY))
    _write(self, changes, offset, as_of)


if __name__ == "__main__":
    rocks.RocksStore.write = write_until_full  # type: ignore[method-assign, assignment]
    rocks._FLUSH_MS = 0  # Each commit goes to the disk at once.
    main()
