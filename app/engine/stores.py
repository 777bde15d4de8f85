"""The stores that a worker has open: of the partitions it owns, and of those it stands by for."""

import asyncio
import logging
import time
from collections.abc import Callable, Iterator
from typing import Final

from app.engine.errors import NoDescriptorError, StoreError
from app.engine.store.base import Store
from app.observability.metrics import Metrics

log = logging.getLogger(__name__)
# Between two tries to open a file: the first pause, and the longest.
_PAUSE, _LONGEST_PAUSE = 0.1, 2.0
PATIENCE_SECONDS: Final = 900.0
"""How long a store waits for a file descriptor before the worker stops."""


class Stores:
    """Opens a partition's store when it is first asked for, and keeps it open."""

    def __init__(self, open_store: Callable[[int], Store], metrics: Metrics) -> None:
        """Open none yet. `waiting`: partitions whose stores wait for a file descriptor."""
        self._open = open_store
        self._metrics = metrics
        self._stores: dict[int, Store] = {}
        self.waiting: set[int] = set()

    def __iter__(self) -> Iterator[int]:
        """Go through the numbers of the partitions whose stores are open."""
        return iter(tuple(self._stores))

    def __getitem__(self, number: int) -> Store:
        """Give a partition's store, which is open."""
        return self._stores[number]

    async def opened(self, number: int) -> Store:
        """Open a partition's store, or open it again where it could not open a file.

        Waits for a file descriptor where there is none: others are let go of. Raises StoreError
        after `PATIENCE_SECONDS`, or where it cannot be opened for another reason.
        """
        began, pause = time.monotonic(), _PAUSE
        try:
            while True:
                try:
                    return self._renewed(number)
                except NoDescriptorError as error:
                    self._wait(number, error, time.monotonic() - began)
                await asyncio.sleep(pause)
                pause = min(2 * pause, _LONGEST_PAUSE)
        finally:
            self.waiting.discard(number)

    def _renewed(self, number: int) -> Store:
        store = self._stores.get(number)
        if store is None:
            store = self._stores[number] = self._open(number)
        else:
            store.renew()
        return store

    def _wait(self, number: int, error: NoDescriptorError, waited: float) -> None:
        if waited >= PATIENCE_SECONDS:
            raise StoreError(
                f"{error}, for {waited:.0f} s: raise the limit of open files (ulimit -n)"
            ) from error
        if number not in self.waiting:
            self.waiting.add(number)
            self._metrics.store_waits()
            log.warning(
                "partition %d: %s: waiting for a file descriptor; raise the limit of open files "
                "(ulimit -n)",
                number, error,
            )  # fmt: skip

    def close(self, number: int) -> None:
        """Let go of a partition's files, so that they can be opened anew."""
        self._stores.pop(number).close()

    def close_all(self) -> None:
        """Let go of all files."""
        for number in self:
            self.close(number)
