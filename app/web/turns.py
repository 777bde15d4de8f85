"""Long reads take turns, with each other and with all else that the event loop has to do.

A read over many rows is cut into pieces: a partition's rows, the merged answer. One piece at a time
runs in a worker, and after it the loop has twice as long for commits as the piece took. So however
many such reads come at once, a commit waits for one piece, and they take a third of the time at
most.
"""

import asyncio
import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")
# How much longer than a piece the pause after it is.
_REST = 2.0


class Turns:
    """The turns of one worker."""

    def __init__(self) -> None:
        """Nobody's turn."""
        self._turn = asyncio.Lock()

    async def run(self, piece: Callable[[], T]) -> T:
        """Run a piece when it is its turn; what it returns or raises. First come, first served."""
        async with self._turn:
            began = time.monotonic()
            try:
                return piece()
            finally:
                await asyncio.sleep(_REST * (time.monotonic() - began))
