"""What goes back together when a batch or a transaction fails.

Everything that a fold changes is one of these: rows, stream times, sets of changed windows,
collected outputs. The engine sets a savepoint before each batch, rolls all of them back when the
batch fails, and discards or keeps them with the transaction.
"""

from collections.abc import Iterator
from typing import Generic, Protocol, TypeVar

K = TypeVar("K")


class Undoable(Protocol):
    """State with one savepoint inside one open transaction."""

    def savepoint(self) -> None:
        """Set the point that `rollback` goes back to."""

    def rollback(self) -> None:
        """Go back to the savepoint."""

    def committed(self) -> None:
        """Keep the changes: the transaction has been committed."""

    def discard(self) -> None:
        """Go back to what the last commit left."""


class StreamTime:
    """The highest event time (ms) that a computation has taken in a partition (contract 3).

    -1 before the first record. It is part of the committed state and never goes back.
    """

    __slots__ = ("_committed", "_saved", "name", "value")

    def __init__(self, name: str, value: int = -1) -> None:
        """`name`: the computation's; `value`: the committed stream time."""
        self.name = name
        self.value = value
        self._saved = value
        self._committed = value

    def advance(self, time: int) -> int:
        """Take a record's event time; the stream time after it."""
        if time > self.value:
            self.value = time
        return self.value

    def savepoint(self) -> None:
        """See `Undoable`."""
        self._saved = self.value

    def rollback(self) -> None:
        """See `Undoable`."""
        self.value = self._saved

    def committed(self) -> None:
        """See `Undoable`."""
        self._committed = self._saved = self.value

    def discard(self) -> None:
        """See `Undoable`."""
        self.value = self._saved = self._committed


class Changed(Generic[K]):
    """Keys that changed since the last commit, in the order in which they did so first."""

    def __init__(self) -> None:
        """Start empty."""
        self._keys: dict[K, None] = {}
        self._saved = 0

    def add(self, key: K) -> None:
        """Note that this key changed."""
        self._keys[key] = None

    def __iter__(self) -> Iterator[K]:
        """Go through the keys."""
        return iter(self._keys)

    def __contains__(self, key: K) -> bool:
        """Whether this key changed."""
        return key in self._keys

    def __len__(self) -> int:
        """How many keys changed."""
        return len(self._keys)

    def savepoint(self) -> None:
        """See `Undoable`."""
        self._saved = len(self._keys)

    def rollback(self) -> None:
        """See `Undoable`."""
        while len(self._keys) > self._saved:
            self._keys.popitem()

    def committed(self) -> None:
        """See `Undoable`."""
        self._keys.clear()
        self._saved = 0

    discard = committed
