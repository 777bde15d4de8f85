"""One partition's state: committed rows, and the open transaction over them."""

import asyncio
from collections.abc import Callable, Iterator, Mapping
from itertools import chain, islice
from typing import Any, NamedTuple, TypeVar, cast

from agents.topology import Topology, Work
from app.engine.counting import Dead, Late, SetAsides, count
from app.engine.errors import TooLargeError
from app.engine.metadata import KEY, LAYOUT, Metadata, shape
from app.engine.outputs import Outputs
from app.engine.store.base import Change, Store
from models.outputs import Output
from tables.row import Row
from tables.rows import BULKY, Rows, Table
from tables.set_aside import SET_ASIDE, SetAsideFold
from tables.undo import Changed, StreamTime, Undoable

K = TypeVar("K")
R = TypeVar("R", bound=Row)
W = TypeVar("W")
# Rows that are encoded without giving way to others.
_AT_ONCE = 128
# What a record in a batch of its own adds to a row's key and value, at most.
_ROW_OVERHEAD = 256


class Prepared(NamedTuple):
    """What one transaction writes: the last change is the metadata row.

    `set_aside`: the late events and dead letters among its outputs.
    """

    changes: list[Change]
    outputs: list[Output]
    set_aside: list[Late | Dead]


class PartitionState:
    """An `agents.partition.Partition`: what the topology's work reads and changes."""

    def __init__(
        self,
        number: int,
        count: int,
        store: Store,
        topology: Topology,
        limits: Mapping[str, int],
        cache_rows: int,
        changelog: str = "",
    ) -> None:
        """`count`: partitions of every topic; `limits`: `max.message.bytes` by topic written to.

        `changelog`: the topic that rows are written to.
        """
        self.number = number
        self.count = count
        self.store = store
        self._topology = topology
        self._cache_rows = cache_rows
        self._limits, self._changelog = limits, changelog
        self._outputs = Outputs(limits)
        self._backing = _Weighed(store, self._outputs)
        self._rows: dict[str, Rows[Any, Any]] = {}
        self._times: dict[str, StreamTime] = {}
        self._undoables: list[Undoable] = [self._outputs]
        self._loads: list[Callable[[], Iterator[None]]] = []
        self._set_asides = SetAsides(topology.catalogue)
        self._counts = SetAsideFold(self.rows(SET_ASIDE))
        stored = Metadata.decode(store.get(KEY))
        self._stored_times = stored.stream_times if stored else {}
        self.works: dict[type, Work] = {}
        for flow in topology.flows:
            work = flow.work(self)
            self.works[type(work)] = work
        self.careful = False

    def rows(self, table: Table[K, R]) -> Rows[K, R]:
        """See `Partition`."""
        rows = self._rows.get(table.name)
        if rows is None:
            if any(other.table.prefix == table.prefix for other in self._rows.values()):
                raise ValueError(f"table {table.name} has the prefix {table.prefix!r} of another")
            rows = self._rows[table.name] = table.live(self._backing, self._cache_rows)
            self._undoables.append(rows)
        return cast("Rows[K, R]", rows)

    def stream_time(self, computation: str) -> StreamTime:
        """See `Partition`."""
        time = self._times.get(computation)
        if time is None:
            time = StreamTime(computation, self._stored_times.get(computation, -1))
            self._times[computation] = time
            self._undoables.append(time)
        return time

    def changed(self) -> Changed[Any]:
        """See `Partition`."""
        changed: Changed[Any] = Changed()
        self.keep(changed)
        return changed

    def keep(self, undoable: Undoable) -> None:
        """See `Partition`."""
        self._undoables.append(undoable)

    def load_by(self, load: Callable[[], Iterator[None]]) -> None:
        """See `Partition`."""
        self._loads.append(load)

    def send(self, output: Output) -> None:
        """See `Partition`."""
        self._outputs.add(output)

    def work(self, kind: type[W]) -> W:
        """Give the work that the topology made of this kind."""
        return cast("W", self.works[kind])

    @property
    def careful(self) -> bool:
        """Whether `rollback` is to be had; see `Rows`."""
        return self._careful

    @careful.setter
    def careful(self, careful: bool) -> None:
        self._careful = careful
        for rows in self._rows.values():
            rows.careful = careful

    @property
    def weight(self) -> int:
        """Bytes that the open transaction is to write, and of large rows that it has read."""
        return self._outputs.weight

    def bound(self, most: int | None) -> None:
        """Raise TransactionTooLargeError above so many bytes while records are handled."""
        if most is None:
            self._outputs.unbounded()
        else:
            self._outputs.bound = most

    def check_rows(self) -> None:
        """Raise TooLargeError if a row edited since the savepoint is larger than may be stored.

        `careful` must have been on since then.
        """
        for rows in self._rows.values():
            self._check_row(rows.table.name, rows.largest_since_savepoint())

    def _check_row(self, table: str, size: int) -> None:
        limit = self._limits.get(self._changelog, 1 << 30) - _ROW_OVERHEAD
        if size > limit:
            raise TooLargeError(
                f"a row of {size} bytes in table {table} is more than the {limit} that "
                f"{self._changelog} takes"
            )

    def check(self) -> None:
        """Raise DamagedStoreError if the store was found damaged, by a view it may be."""
        self.store.check()

    def savepoint(self) -> None:
        """Set the point that `rollback` goes back to."""
        for undoable in self._undoables:
            undoable.savepoint()

    def rollback(self) -> None:
        """Take back everything since the savepoint."""
        for undoable in self._undoables:
            undoable.rollback()

    def discard(self) -> None:
        """Take back everything since the last commit."""
        for undoable in self._undoables:
            undoable.discard()

    async def load(self) -> None:
        """Have in memory what `overdue` and `prepare` look at, giving way to others meanwhile."""
        for load in self._loads:
            for _ in load():
                await asyncio.sleep(0)

    @property
    def overdue(self) -> bool:
        """Whether a commit has something to do, though nothing more is taken."""
        return any(work.overdue for work in self.works.values())

    async def prepare(self, offsets: Mapping[str, int]) -> Prepared:
        """Give what the transaction has to write; `offsets`: next source offset by topic.

        Rows are encoded some at a time, so that who asks the worker need not wait for all of them.
        Raises TooLargeError where one is larger than may be stored.
        """
        self._outputs.unbounded()
        await self.load()
        for work in self.works.values():
            work.before_commit()
        set_aside = list(self._set_asides.of(self._outputs.records))
        count(set_aside, self._counts)
        changes: list[Change] = []
        edits = chain.from_iterable(rows.changes() for rows in self._rows.values())
        while some := list(islice(edits, _AT_ONCE)):
            changes += some
            await asyncio.sleep(0)
        for rows in self._rows.values():
            self._check_row(rows.table.name, max(rows.bulky.values(), default=0))
        times = {name: time.value for name, time in self._times.items()}
        shaping = shape(self._topology.rules)
        row = Metadata(LAYOUT, shaping, self.count, dict(offsets), times)
        changes.append((KEY, row.encode()))
        return Prepared(changes, self._outputs.records, set_aside)

    def committed(self, changes: list[Change], changelog_offset: int) -> None:
        """Apply a committed transaction to the store, and start the next one."""
        self.store.write(changes, changelog_offset)
        for undoable in self._undoables:
            undoable.committed()
        for work in self.works.values():
            work.committed()


class _Weighed:
    """A partition's store as tables read it: large rows count to what the transaction holds."""

    def __init__(self, store: Store, outputs: Outputs) -> None:
        self._get = store.get
        self._outputs = outputs
        self.scan = store.scan

    def get(self, key: bytes) -> bytes | None:
        data = self._get(key)
        if data is not None and len(data) > BULKY:
            self._outputs.weigh(len(data))
        return data
