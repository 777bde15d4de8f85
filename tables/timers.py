"""What to do when, to the millisecond: users to look at once stream time is past a moment.

`Expiry` looks some time after, at whoever may be dropped. Windows that are published when they
close cannot wait: here a due time is exact. What is stored is an index by slots of a minute, whose
members are loaded when stream time comes near; their exact times are in the members' own rows.
"""

from collections.abc import Callable, Iterator
from heapq import heapify, heappop, heappush

from tables.slots import IndexRows, Slots

_SLOT = 60_000
# Members whose due times are looked up without a stop: some milliseconds.
_AT_ONCE = 1024
NEVER = -1
"""The due time of a member that is in no slot."""


def _slot(due: int) -> int:
    return due - due % _SLOT


class Timers:
    """The timers of one table in one partition; `Undoable`.

    A member has one due time, which its table keeps in the member's row, and is in that time's
    slot. It may be in others too, by a time that it had before.
    """

    def __init__(self, index: IndexRows, due_of: Callable[[str], int]) -> None:
        """`due_of`: gives a member's due time by its row, `NEVER` where there is none."""
        self._slots = Slots(index)
        self._due_of = due_of
        self._stale = True
        # Up to which slot (itself too) they are in memory; which those are, and their members' due
        # times, both the soonest first.
        self._until = NEVER
        self._loaded: list[int] = []
        self._known: set[int] = set()
        self._near: list[tuple[int, str]] = []

    def _refresh(self) -> None:
        """Know only what the rows say, if they have gone back."""
        if self._stale:
            self._stale, self._until = False, NEVER
            self._loaded, self._known, self._near = [], set(), []

    def enter(self, member: str, due: int, before: int) -> None:
        """Have a member looked at once stream time is past `due`, not `before` as it was."""
        self._refresh()
        slot = _slot(due)
        if before == NEVER or slot != _slot(before):
            self._slots.enter(member, slot)
            if slot <= self._until and slot not in self._known:
                self._known.add(slot)
                heappush(self._loaded, slot)
        if slot <= self._until:
            heappush(self._near, (due, member))

    def overdue(self, stream_time: int) -> bool:
        """Whether `sweep` has something to do."""
        self._load_all(stream_time)
        return bool(self._near) and self._near[0][0] < stream_time

    def sweep(self, stream_time: int, look_at: Callable[[str], None], limit: int) -> None:
        """Have members looked at whose due time is past, the soonest first, `limit` at most.

        `look_at` gives each another due time, and enters it again, or none.
        """
        self._load_all(stream_time)
        near, done = self._near, 0
        while near and near[0][0] < stream_time and done < limit:
            due, member = heappop(near)
            if self._due_of(member) == due:  # Else it has had another time since.
                look_at(member)
                done += 1
        while self._loaded and self._is_over(self._loaded[0], stream_time):
            slot = heappop(self._loaded)
            self._slots.drop(slot)
            self._known.discard(slot)

    def _is_over(self, slot: int, stream_time: int) -> bool:
        end = slot + _SLOT
        return end <= stream_time and not (self._near and self._near[0][0] < end)

    def _load_all(self, stream_time: int) -> None:
        for _ in self.load(stream_time):
            pass

    def load(self, stream_time: int) -> Iterator[None]:
        """Have the slots before stream time in memory; stop now and then."""
        self._refresh()
        last = _slot(stream_time - 1)
        if last > self._until:
            for slot in self._slots.within(self._until + 1, last + 1):
                yield from self._load(slot)
            self._until = last

    def _load(self, slot: int) -> Iterator[None]:
        dues = set[tuple[int, str]]()
        for number, member in enumerate(self._slots.members(slot), 1):
            due = self._due_of(member)
            if _slot(due) == slot:
                dues.add((due, member))
            if number % _AT_ONCE == 0:
                yield
        self._near += dues
        heapify(self._near)
        heappush(self._loaded, slot)
        self._known.add(slot)
        self._until = slot

    def savepoint(self) -> None:
        """See `Undoable`."""

    def committed(self) -> None:
        """See `Undoable`."""

    def rollback(self) -> None:
        """See `Undoable`."""
        self._stale = True

    discard = rollback
