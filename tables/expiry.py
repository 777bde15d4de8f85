"""What to drop when: an index by time beside the tables that forget (reliability, rule 12).

A member (a user, say) is entered once under a time; when stream time is past it, the table looks at
the member, drops what is past its time, and enters it again if something is left. A bounded number
at a time: readers never see the difference, since every view leaves out by itself what is past.
"""

from collections.abc import Callable

from tables.slots import Coming, IndexRows, Slots

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
        # Times under which something may be entered. One whose entries were rolled back stays in
        # it, and is found empty.
        self._dues = Coming(self._slots)
        self.behind = False
        """Whether the last sweep left something for the next one."""

    def enter(self, member: str, due: int) -> None:
        """Have the member looked at once stream time is past `due`, a `slot`."""
        self._dues.add(due)
        self._slots.enter(member, due)

    def overdue(self, stream_time: int) -> bool:
        """Whether a sweep would find members. To be asked only where nothing may be taken back."""
        while (due := self._dues.soonest(stream_time)) is not None:
            if self._slots.has(due):
                return True
            self._dues.pop()
        return False

    def sweep(self, stream_time: int, look_at: Callable[[str], None], limit: int = 2000) -> None:
        """Have about `limit` members at most looked at.

        A time stays known until a sweep has nothing to do for it: what this one deletes may be
        taken back.
        """
        done, touched, emptied = 0, set[int](), list[int]()
        try:
            while done < limit and (due := self._dues.soonest(stream_time)) is not None:
                members = self._slots.take(due)
                if members is not None:
                    touched.add(due)
                    done += len(members)
                    for member in members:
                        look_at(member)
                    continue
                self._dues.pop()
                if due in touched:
                    emptied.append(due)
        finally:
            for due in emptied:
                self._dues.add(due)
        self.behind = done >= limit
