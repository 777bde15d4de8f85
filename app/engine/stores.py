"""The stores that a worker has open: of the partitions it owns, and of those it stands by for."""

from collections.abc import Callable, Iterator

from app.engine.store.base import Store


class Stores:
    """Opens a partition's store when it is first asked for, and keeps it open."""

    def __init__(self, open_store: Callable[[int], Store]) -> None:
        """Open none yet."""
        self._open = open_store
        self._stores: dict[int, Store] = {}

    def __iter__(self) -> Iterator[int]:
        """Go through the numbers of the partitions whose stores are open."""
        return iter(tuple(self._stores))

    def __getitem__(self, number: int) -> Store:
        """Give a partition's store. Raises UserError where it cannot be opened."""
        store = self._stores.get(number)
        if store is None:
            store = self._stores[number] = self._open(number)
        return store

    def close(self, number: int) -> None:
        """Let go of a partition's files, so that they can be opened anew."""
        self._stores.pop(number).close()

    def close_all(self) -> None:
        """Let go of all files."""
        for number in self:
            self.close(number)
