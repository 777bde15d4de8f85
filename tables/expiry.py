"""What to drop when: an index by time beside the tables that forget (reliability, rule 12).

A member (a user, say) is entered once under a time; when stream time is past it, the table looks at
the member, drops what is past its time, and enters it again if something is left. A bounded number
at a time: readers never see the difference, since every view leaves out by itself what is past.
Of times that are ahead nothing is in memory: who acquires a partition has nothing to read.
"""

from collections.abc import Callable
from heapq import heappop, heappush

from tables.slots import IndexRows, Slots

# Members are entered under multiples of this many ms.
_SLOT = 60_000


def slot(time: int) -> int:
    """Give the time under which to enter what has no more use after `time` (ms)."""
    return time - time % _SLOT + _SLOT


class Expiry:
    """The index of one table in one partition."""

    def __init__(self, index: IndexRows) -> None:
        """See the module."""
        self._slots = Slots(index)
        # Times before `_until` under which something may be entered, the soonest first. One whose
        # entries were rolled back stays in it, and is found empty.
        self._dues: list[int] = []
        self._known: set[int] = set()
        self._until = 0
        self.behind = False
        """Whether the last sweep left something for the next one."""

    def enter(self, member: str, due: int) -> None:
        """Have the member looked at once stream time is past `due`, a `slot`."""
        if due < self._until:
            self._know(due)
        self._slots.enter(member, due)

    def _know(self, due: int) -> None:
        if due not in self._known:
            self._known.add(due)
            heappush(self._dues, due)

    def _reach(self, stream_time: int) -> None:
        """Know all times before stream time."""
        if self._until < stream_time:
            before, self._until = self._until, slot(stream_time)
            for due in self._slots.within(before, self._until):
                self._know(due)

    def overdue(self, stream_time: int) -> bool:
        """Whether a sweep would find members. To be asked only where nothing may be taken back."""
        self._reach(stream_time)
        while self._dues and self._dues[0] < stream_time:
            if self._slots.has(self._dues[0]):
                return True
            self._known.discard(heappop(self._dues))
        return False

    def sweep(self, stream_time: int, look_at: Callable[[str], None], limit: int = 2000) -> None:
        """Have about `limit` members at most looked at.

        A time stays known until a sweep has nothing to do for it: what this one deletes may be
        taken back.
        """
        self._reach(stream_time)
        done, touched, emptied = 0, set[int](), list[int]()
        try:
            while self._dues and self._dues[0] < stream_time and done < limit:
                due = self._dues[0]
                members = self._slots.take(due)
                if members is not None:
                    touched.add(due)
                    done += len(members)
                    for member in members:
                        look_at(member)
                elif due in touched:
                    emptied.append(heappop(self._dues))
                else:
                    self._known.discard(heappop(self._dues))
        finally:
            for due in emptied:
                heappush(self._dues, due)
        self.behind = done >= limit
