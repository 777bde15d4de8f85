"""Views of users whose partitions this worker owns, kept until a commit touches the user."""

import time
from collections.abc import Callable, Hashable
from typing import NamedTuple

from app.engine.partition_parts import Committed
from app.producer.partitioners import by_key
from app.web.live.follower import Follower
from app.web.live.states import State, stated
from app.web.membership import Snapshot
from app.web.user_reads import Reading, UserReads
from app.web.user_view import Selection, UserView
from tables.keys import USER

# Seconds after which a view is read again though its user did nothing: with stream time alone
# clicks leave and windows close.
FRESH = 5.0
_MOST_USERS = 5_000
_USER_AT = 1
_LENGTH = 2


class Watched(NamedTuple):
    """What of whom: `view` with its selection, of one user."""

    view: UserView
    user_id: str
    wanted: Selection


class _Kept(NamedTuple):
    state: State
    read_at: float


class _Partition:
    """What is kept of one partition's users, by the user as keys of rows hold it."""

    def __init__(self) -> None:
        self.follower = Follower()
        self.users: dict[bytes, dict[Hashable, _Kept]] = {}


class UserStates:
    """Reads views, each of them once however many ask for it."""

    def __init__(self, reads: UserReads, touched: Callable[[str], None]) -> None:
        """`touched` is told of users whose views are kept when a commit has changed their rows."""
        self._reads = reads
        self._membership = reads.membership
        self._touched = touched
        self._sources = tuple(reads.catalogue.names())
        self._partitions: dict[int, _Partition] = {}

    async def get(self, watched: Watched) -> State:
        """Give the view as of some moment of the last seconds, and of the user's last commit.

        Raises ProblemError where this worker must not answer for the user.
        """
        number = by_key(watched.user_id.encode(), self._membership.partitions)
        states, reading = self._membership.read(number, lambda state: self._begin(state, watched))
        view, _, wanted = watched
        if reading is None:
            return states[view.name, wanted].state
        now = time.monotonic()
        state = stated(await reading.end(self._reads.turns))
        # Where a commit has touched the user meanwhile, these states are forgotten already.
        states[view.name, wanted] = _Kept(state, now)
        return state

    def _begin(
        self, snapshot: Snapshot, watched: Watched
    ) -> tuple[dict[Hashable, _Kept], Reading | None]:
        """Give what is kept of the user, and begin to read the view where that is not in it."""
        partition = self._partitions.setdefault(snapshot.number, _Partition())
        known = partition.follower.stands_at(snapshot.offsets(self._sources))
        if not known or len(partition.users) > _MOST_USERS:
            partition.users.clear()
        view, user_id, wanted = watched
        states = partition.users.setdefault(USER.encode(user_id), {})
        kept = states.get((view.name, wanted))
        if kept is not None and time.monotonic() - kept.read_at <= FRESH:
            return states, None
        return states, self._reads.begin(snapshot, view, user_id, wanted)

    def committed(self, committed: Committed) -> None:
        """Forget the views of users whose rows a commit has changed."""
        partition = self._partitions.get(committed.partition)
        if partition is None or not partition.users:
            return
        if not partition.follower.goes_on(committed):
            partition.users.clear()
            return
        users = partition.users
        for key, _ in committed.changes:
            end = _USER_AT + _LENGTH + (key[1] << 8) + key[2]
            if key[_USER_AT:end] in users:
                user = key[_USER_AT:end]
                del users[user]
                self._touched(user[_LENGTH:].decode())
