"""How many records a partition's next commit takes, by how long its commits take.

A commit that could not be sent within the transaction's time is tried in smaller ones, which grow
again as they are fast: on a slow link the same one would fail for ever.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from app.engine.errors import LostError

# A commit lost sooner than this, in seconds, was not lost for its size.
_AT_ONCE = 1.0
_SMALLER, _LARGER = 4, 2


class CommitSize:
    """One partition's, for as long as this worker owns it."""

    def __init__(self, most: int, timeout: float) -> None:
        """`most`: records, as configured; `timeout`: seconds after which a commit is lost."""
        self.records = self._most = most
        self._timeout = timeout

    @contextmanager
    def sending(self, records: int) -> Iterator[None]:
        """Note how a commit of so many records goes, from its first request to its last answer."""
        started = time.monotonic()
        try:
            yield
        except LostError:
            if time.monotonic() - started >= _AT_ONCE:
                self._shrink(records)
            raise
        took = time.monotonic() - started
        if took > self._timeout / 2:
            self._shrink(records)
        elif took < self._timeout / 4:
            self.records = min(self.records * _LARGER, self._most)

    def _shrink(self, records: int) -> None:
        self.records = max(min(records, self.records) // _SMALLER, 1)
