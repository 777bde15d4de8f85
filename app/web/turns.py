"""Long reads take turns, with each other and with all else that the event loop has to do.

A read over many rows is cut into pieces: a partition's rows, the merged answer. One piece at a time
runs in a worker, and after it the loop has twice as long for commits as the piece took. So however
many such reads come at once, a commit waits for one piece, and they take a third of the time at
most. What comes faster than that is refused: a read that waits holds memory, also when its asker
has gone.
"""

import asyncio
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from app.web.problems import unavailable

T = TypeVar("T")
MOST = 64
"""Long reads that may be under way at a time, of callers and again as many of peers."""
# How much longer than a piece the pause after it is.
_REST = 2.0


class Places:
    """For long reads from their beginning to their end."""

    def __init__(self) -> None:
        """All are free."""
        self._taken = 0

    @contextmanager
    def take(self) -> Iterator[None]:
        """Hold one. Raises ProblemError 503 where there is none."""
        if self._taken >= MOST:
            raise unavailable("busy", f"{MOST} long reads are under way at this worker already")
        self._taken += 1
        try:
            yield
        finally:
            self._taken -= 1


class Turns:
    """The turns of one worker. `callers`, `peers`: places for whose long reads take them."""

    def __init__(self) -> None:
        """Nobody's turn."""
        self._turn = asyncio.Lock()
        self._free_at = float("-inf")
        self.callers, self.peers = Places(), Places()

    async def run(self, piece: Callable[[], T]) -> T:
        """Run a piece when it is its turn; what it returns or raises. First come, first served."""
        async with self._turn:
            await asyncio.sleep(max(self._free_at - time.monotonic(), 0))
            began = time.monotonic()
            try:
                return piece()
            finally:
                ended = time.monotonic()
                self._free_at = ended + _REST * (ended - began)
