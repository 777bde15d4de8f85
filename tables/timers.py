"""What to do when, to the millisecond: users to look at once stream time is past a moment.

`Expiry` looks some time after, at whoever may be dropped. Windows that are published when they
close cannot wait: here a due time is exact. What is stored is an index by slots of a minute, whose
members are loaded when stream time comes near; their exact times are in the members' own rows.
"""

from collections.abc import Callable, Iterator
from heapq import heapify, heappop, heappush

from tables.slots import Coming, IndexRows, SlotHeap, Slots

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
        self._ahead = Coming(self._slots)
        # The slots in memory, and their members' due times, both the soonest first; up to which
        # slot that is; those dropped since the last commit.
        self._loaded = SlotHeap()
        self._near: list[tuple[int, str]] = []
        self._until = NEVER
        self._dropped: list[int] = []

    def enter(self, member: str, due: int, before: int) -> None:
        """Have a member looked at once stream time is past `due`, not `before` as it was."""
        slot = _slot(due)
        if before == NEVER or slot != _slot(before):
            self._slots.enter(member, slot)
            (self._ahead if slot > self._until else self._loaded).add(slot)
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
        while self._is_over(self._loaded.first, stream_time):
            slot = self._loaded.pop()
            self._slots.drop(slot)
            self._dropped.append(slot)

    def _is_over(self, slot: int, stream_time: int) -> bool:
        end = slot + _SLOT
        return end <= stream_time and not (self._near and self._near[0][0] < end)

    def _load_all(self, stream_time: int) -> None:
        for _ in self.load(stream_time):
            pass

    def load(self, stream_time: int) -> Iterator[None]:
        """Have the slots before stream time in memory; stop now and then."""
        while (slot := self._ahead.soonest(stream_time)) is not None:
            yield from self._load(slot)
            self._loaded.add(self._ahead.pop())
            self._until = slot

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

    def savepoint(self) -> None:
        """See `Undoable`."""

    def committed(self) -> None:
        """See `Undoable`."""
        self._dropped.clear()

    def rollback(self) -> None:
        """See `Undoable`. What the rows say now is loaded again."""
        for slot in (*self._loaded, *self._dropped):
            self._ahead.add(slot)
        self._loaded, self._near, self._dropped = SlotHeap(), [], []
        self._until = NEVER

    discard = rollback
