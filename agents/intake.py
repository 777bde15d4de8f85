"""One topic's records of one partition, between the fetch and the moment they are taken."""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from typing import Generic, TypeVar

from models.dead_letters import Rejected
from models.records import Record

E = TypeVar("E")
# Records decoded at a time: few enough to keep memory small, enough to be fast.
_DECODE_AT_ONCE = 256
# Records that wait undecoded before the topic is no longer fetched.
ROOM = 4096
LARGE = 512 * 1024
"""Bytes of a record from which on it is decoded and handled by itself.

The sizes of its rows are looked at then. A row holds little beside its largest record's fields.
"""


class Intake(Generic[E]):
    """A queue in offset order. What is in it is neither processed nor committed.

    `next_offset` is the committed offset once all that was taken is committed. `oldest`: Kafka
    timestamp in ms of the first record fetched and not committed, None where there is none.
    `held`: bytes of records that wait, those decoded last among them.
    """

    def __init__(
        self,
        topic: str,
        decode: "Callable[[Sequence[Record]], list[E | Rejected]]",
        offset: int = 0,
    ) -> None:
        """`decode`: of a batch, one result each; `offset`: the first record to come."""
        self.topic = topic
        self._decode = decode
        self._fetched: deque[tuple[Sequence[Record], float, int]] = deque()
        self.held = self._weight = 0
        self._has_large = self._took_large = False
        self.events: list[E | Rejected] = []
        self._records: Sequence[Record] = ()
        self.index = 0
        self.oldest: int | None = None
        self._decoded = self._committed = 0
        self.head_fetched_at = 0.0
        self._waiting = 0
        self.read_to = offset
        self._position = offset
        self.more = True
        self.stable_end: int | None = None
        self.quiet_since = float("inf")
        self.answered_at = float("-inf")

    def receive(
        self, records: Sequence[Record], now: float, weight: int = 0, *, has_large: bool = False
    ) -> None:
        """Queue records that were fetched; `now`: seconds, monotonic; `weight`: their bytes.

        `has_large`: whether one of `LARGE` bytes may be among them.
        """
        cut = _weighed_pieces(records) if has_large else _even_pieces(records, weight)
        for some, share in cut:
            self._fetched.append((some, now, share))
            self.held += share
        self._waiting += len(records)
        if self.oldest is None:
            self.oldest = records[0].timestamp
        self.read_to = records[-1].offset + 1
        self.quiet_since = float("inf")

    def answered(self, position: int, stable_end: int | None, at: float) -> None:
        """Note the broker's answer: how far was read, up to its last stable offset then.

        `at`: when it was received, seconds, monotonic. Before the first answer (None) the topic
        counts as having more to read (contract 4).
        """
        self._position, self.stable_end = position, stable_end
        self.more = stable_end is None or position < stable_end
        if self.more:
            self.quiet_since = float("inf")
        else:
            self.quiet_since = min(self.quiet_since, at)
            self.answered_at = max(self.answered_at, at)

    @property
    def has_room(self) -> bool:
        """Whether more should be fetched."""
        return self._waiting < ROOM

    @property
    def waiting(self) -> int:
        """How many fetched records have not been taken."""
        return self._waiting + len(self.events) - self.index

    def head(self) -> E | Rejected | None:
        """Give the next event, None where nothing has been fetched."""
        if self.index >= len(self.events):
            if not self._fetched:
                self._let_go()
                return None
            self.held -= self._weight
            self._records, self.head_fetched_at, self._weight = self._fetched.popleft()
            self._has_large = self._weight >= LARGE and any(map(is_large, self._records))
            self._took_large |= self._has_large
            self._waiting -= len(self._records)
            self._decoded += len(self._records)
            self.events = self._decode(self._records)
            self.index = 0
        return self.events[self.index]

    def took_large(self) -> bool:
        """Whether a large record may be among those taken since the last call."""
        found = self._took_large
        self._took_large = self._has_large and self.index < len(self.events)
        return found

    def _let_go(self) -> None:
        """Keep nothing of the records that have all been taken."""
        self.events, self._records, self.index = [], (), 0
        self.held -= self._weight
        self._weight = 0

    def _next(self) -> Record | None:
        """Give the first record not yet taken."""
        if self.index < len(self._records):
            return self._records[self.index]
        return self._fetched[0][0][0] if self._fetched else None

    @property
    def first_untaken(self) -> int:
        """Offset of the first record not yet taken; none there: one past the last one read."""
        record = self._next()
        return self.read_to if record is None else record.offset

    def committed(self) -> int:
        """Note that all that was taken is committed: so many records."""
        record = self._next()
        self.oldest = None if record is None else record.timestamp
        before, self._committed = self._committed, self._decoded - len(self.events) + self.index
        return self._committed - before

    @property
    def position(self) -> int:
        """The first offset that has not been fetched."""
        return max(self.read_to, self._position)

    @property
    def next_offset(self) -> int:
        """The offset to commit: past transaction markers too, where nothing waits."""
        return max(self.first_untaken, self._position) if not self.waiting else self.first_untaken

    def take(self, limit: int) -> list[E | Rejected]:
        """Take what there is in offset order, `limit` at most."""
        taken: list[E | Rejected] = []
        while len(taken) < limit and self.head() is not None:
            end = self.index + limit - len(taken)
            taken += self.events[self.index : end]
            self.index = min(end, len(self.events))
        return taken


def is_large(record: Record) -> bool:
    """Whether a record is to be handled by itself."""
    return record.value is not None and len(record.value) >= LARGE


_Pieces = Iterator[tuple[Sequence[Record], int]]
"""What is decoded at a time, with its bytes."""


def _even_pieces(records: Sequence[Record], weight: int) -> _Pieces:
    for at in range(0, len(records), _DECODE_AT_ONCE):
        some = records[at : at + _DECODE_AT_ONCE]
        yield some, weight * len(some) // len(records)


def _weighed_pieces(records: Sequence[Record]) -> _Pieces:
    first = size = 0
    for at, record in enumerate(records):
        bytes_of = len(record.value or b"") + len(record.key or b"")
        if at > first and (size + bytes_of > LARGE or at - first >= _DECODE_AT_ONCE):
            yield records[first:at], size
            first, size = at, 0
        size += bytes_of
    yield records[first:], size
