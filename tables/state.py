"""What a fold is given: one partition's rows and times inside the open transaction."""

from collections.abc import Callable, Iterator
from typing import Any, Protocol, TypeVar

from tables.row import Row
from tables.rows import Rows, Table
from tables.undo import Changed, StreamTime, Undoable

K = TypeVar("K")
R = TypeVar("R", bound=Row)


class State(Protocol):
    """One partition's state. Whoever keeps it takes back, or commits, all of it together."""

    def rows(self, table: Table[K, R]) -> Rows[K, R]:
        """Give the live rows of a table."""

    def stream_time(self, computation: str) -> StreamTime:
        """Give the stream time of a computation: part of the committed state."""

    def changed(self) -> Changed[Any]:
        """Give a new set of keys that lives from commit to commit."""

    def keep(self, undoable: Undoable) -> None:
        """Have something else go back, or be committed, with the rest."""

    def load_by(self, load: Callable[[], Iterator[None]]) -> None:
        """Have this run to its end before a sweep, and others be served at each of its stops.

        For what may be much to read when stream time has moved; nothing is changed meanwhile.
        """
