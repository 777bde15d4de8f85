"""A store in memory: gone with the process, restored from the changelog."""

import time
from collections.abc import Iterator, Sequence

from sortedcontainers import SortedDict

from app.engine.store.base import Change


class MemoryStore:
    """See `Store`."""

    def __init__(self) -> None:
        """Start empty."""
        self._rows: SortedDict[bytes, bytes] = SortedDict()
        self._offset: int | None = None
        self._as_of: int | None = None
        self._identity: bytes | None = None
        self._size = 0

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
        self._identity = identity

    def get(self, key: bytes) -> bytes | None:
        """See `Store`."""
        value: bytes | None = self._rows.get(key)
        return value

    def scan(
        self, low: bytes, high: bytes, *, reverse: bool = False
    ) -> Iterator[tuple[bytes, bytes]]:
        """See `Store`."""
        for key in self._rows.irange(low, high, (True, False), reverse):
            yield key, self._rows[key]

    def write(
        self, changes: Sequence[Change], changelog_offset: int, as_of: int | None = None
    ) -> None:
        """See `Store`."""
        for key, value in changes:
            before = self._rows.pop(key, None)
            if before is not None:
                self._size -= len(key) + len(before)
            if value is not None:
                self._rows[key] = value
                self._size += len(key) + len(value)
        self._offset = changelog_offset
        self._as_of = time.time_ns() // 1_000_000 if as_of is None else as_of

    @property
    def size(self) -> int:
        """See `Store`."""
        return self._size

    def check(self) -> None:
        """See `Store`: memory is not damaged."""

    def renew(self) -> None:
        """See `Store`."""

    def bulk(self, on: bool) -> None:
        """See `Store`."""

    def clear(self) -> None:
        """See `Store`."""
        self._rows.clear()
        self._size = 0
        self._offset = self._as_of = self._identity = None

    def close(self) -> None:
        """See `Store`."""
        self._rows.clear()
