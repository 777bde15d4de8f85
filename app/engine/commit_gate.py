"""Lets a commit have the event loop to itself for a moment.

A commit is a chain of some ten answers from the broker. Behind other partitions' batches each of
them waits for tens of milliseconds, which comes to seconds under a backlog.
"""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

# At most so long does a partition wait for the others' commits.
_PATIENCE = 0.1


class CommitGate:
    """Shared by the partitions of a worker."""

    def __init__(self) -> None:
        """No commit is under way."""
        self._open = 0
        self._quiet = asyncio.Event()
        self._quiet.set()

    @contextmanager
    def commit(self) -> Iterator[None]:
        """Mark a commit as under way."""
        self._open += 1
        self._quiet.clear()
        try:
            yield
        finally:
            self._open -= 1
            if not self._open:
                self._quiet.set()

    async def quiet(self) -> None:
        """Wait until no commit is under way, but not for long."""
        if self._open:
            try:
                async with asyncio.timeout(_PATIENCE):
                    await self._quiet.wait()
            except TimeoutError:
                pass
