"""Rows over a store in memory, and a row type of a test's own."""

from collections.abc import Callable, Iterator
from typing import Any, Self

from app.engine.store.memory import MemoryStore
from tables.keys import TIME
from tables.rows import Rows, Table
from tables.undo import Changed, StreamTime, Undoable


class Note:
    """A row that holds a list of numbers."""

    def __init__(self) -> None:
        self.numbers: list[int] = []

    @classmethod
    def decode(cls, data: bytes) -> Self:
        row = cls()
        row.numbers = [int(part) for part in data.split(b",") if part]
        return row

    def encode(self) -> bytes:
        return b",".join(b"%d" % number for number in self.numbers)

    def copy(self) -> Self:
        return type(self).decode(self.encode())


class CountingStore(MemoryStore):
    """Counts the rows that are read, `reads`."""

    def __init__(self) -> None:
        super().__init__()
        self.reads = 0

    def get(self, key: bytes) -> bytes | None:
        self.reads += 1
        return super().get(key)

    def scan(
        self, low: bytes, high: bytes, *, reverse: bool = False
    ) -> Iterator[tuple[bytes, bytes]]:
        for row in super().scan(low, high, reverse=reverse):
            self.reads += 1
            yield row


NOTES = Table("notes", b"n", Note, TIME)


class Stored:
    """A `tables.state.State` over one store; commits and restarts as the engine does them."""

    def __init__(
        self,
        cache_rows: int = 8192,
        store: MemoryStore | None = None,
        times: dict[str, int] | None = None,
    ) -> None:
        """`store`, `times`: what a former one has committed; times in ms by computation."""
        self.store = store or MemoryStore()
        self.times = {name: StreamTime(name, time) for name, time in (times or {}).items()}
        self._cache_rows = cache_rows
        self._rows: dict[str, Rows[Any, Any]] = {}
        self.undoables: list[Undoable] = []

    def rows(self, table: Table[Any, Any]) -> Rows[Any, Any]:
        if table.name not in self._rows:
            self._rows[table.name] = table.live(self.store, self._cache_rows)
        return self._rows[table.name]

    def stream_time(self, computation: str) -> StreamTime:
        return self.times.setdefault(computation, StreamTime(computation))

    def changed(self) -> Changed[Any]:
        changed: Changed[Any] = Changed()
        self.keep(changed)
        return changed

    def keep(self, undoable: Undoable) -> None:
        self.undoables.append(undoable)

    def load_by(self, load: Callable[[], Iterator[None]]) -> None:
        """Leave it to the sweep."""

    def restarted(self) -> "Stored":
        """What a new process finds after a kill: only what is committed."""
        times = {name: time._committed for name, time in self.times.items()}
        return Stored(self._cache_rows, self.store, times)

    def all(self) -> list[Any]:
        return [*self._rows.values(), *self.times.values(), *self.undoables]

    def savepoint(self) -> None:
        for undoable in self.all():
            undoable.savepoint()

    def rollback(self) -> None:
        for undoable in self.all():
            undoable.rollback()

    def discard(self) -> None:
        for undoable in self.all():
            undoable.discard()

    def commit(self) -> None:
        changes = [change for rows in self._rows.values() for change in rows.changes()]
        self.store.write(changes, 0)
        for undoable in self.all():
            undoable.committed()

    def count(self, *tables: Table[Any, Any]) -> int:
        """How many committed rows these tables have."""
        return sum(
            1
            for table in tables
            for _ in self.store.scan(table.prefix, bytes([table.prefix[0] + 1]))
        )
