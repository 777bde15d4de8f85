"""All live views of one worker: who watches which, and when to look again."""

import asyncio
import logging
from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping

from app.engine.partition_parts import Committed
from app.producer.partitioners import by_key
from app.web.live.channel import Channel, Look
from app.web.live.peer_states import PeerStates
from app.web.live.states import State, shown
from app.web.live.user_states import FRESH, UserStates, Watched
from app.web.live.views import OverallView, View
from app.web.membership import Membership
from app.web.peers import PeerError
from app.web.problems import ProblemError, unavailable
from models.answers import Answer

log = logging.getLogger(__name__)
OVERALL_PAUSE = 1.0
"""Seconds at least between two looks at a view over all partitions."""
USER_PAUSE = 0.25
"""The same for a view of one user, where this worker owns it."""
# How often to see whether partitions have moved.
_MOVES_SECONDS = 0.5
Overalls = Mapping[str, Callable[[int], Awaitable[Answer]]]
"""By name of a view over all partitions: gives its answer, of a limit."""


class Hub:
    """Makes a channel for each view that is watched, and marks those that a commit may change."""

    def __init__(
        self,
        membership: Membership,
        users: Callable[[Callable[[str], None]], UserStates],
        peers: PeerStates,
        overalls: Overalls,
    ) -> None:
        """`users`: makes the states of this worker's users, given whom to tell of touched ones."""
        self._membership = membership
        self.users = users(self._touched)
        self._peers = peers
        self._overalls = overalls
        self._channels: dict[View, Channel] = {}
        self._of_users: defaultdict[str, set[Channel]] = defaultdict(set)
        self._of_all: set[Channel] = set()
        self._moves: asyncio.Task[None] | None = None

    def watch(self, view: View, wake: asyncio.Event) -> Channel:
        """Give the view's channel, which sets `wake` at each change until `leave`."""
        channel = self._channels.get(view)
        if channel is None:
            channel = self._channels[view] = self._make(view)
            if isinstance(view, Watched):
                self._of_users[view.user_id].add(channel)
            else:
                self._of_all.add(channel)
        channel.watch(wake)
        if self._moves is None:
            self._moves = asyncio.create_task(self._watch_moves(), name="moves of partitions")
        return channel

    def leave(self, view: View, wake: asyncio.Event) -> None:
        """Watch no more."""
        channel = self._channels[view]
        if not channel.leave(wake):
            return
        del self._channels[view]
        if isinstance(view, Watched):
            self._of_users[view.user_id].discard(channel)
            if not self._of_users[view.user_id]:
                del self._of_users[view.user_id]
        else:
            self._of_all.discard(channel)
        if not self._channels and self._moves is not None:
            self._moves.cancel()
            self._moves = None

    def committed(self, committed: Committed) -> None:
        """Mark what a commit may have changed."""
        self.users.committed(committed)
        for channel in self._of_all:
            channel.mark()

    def _touched(self, user_id: str) -> None:
        for channel in self._of_users.get(user_id, ()):
            channel.mark()

    def _make(self, view: View) -> Channel:
        if isinstance(view, OverallView):
            return Channel(self._overall_look(view), OVERALL_PAUSE, self._overall_patience)
        return Channel(self._user_look(view), USER_PAUSE, lambda: self._user_patience(view))

    def _overall_patience(self) -> float:
        """Others' commits are not told here: they are asked as often as may be."""
        owns = self._membership.owns
        return FRESH if all(owns(number) for number in range(self._membership.partitions)) else 0.0

    def _user_patience(self, view: Watched) -> float:
        return FRESH if self._membership.owns(self._partition(view)) else 0.0

    def _partition(self, view: Watched) -> int:
        return by_key(view.user_id.encode(), self._membership.partitions)

    def _overall_look(self, view: OverallView) -> Look:
        async def look() -> State:
            return shown(await self._overalls[view.name](view.limit))

        return look

    def _user_look(self, view: Watched) -> Look:
        async def look() -> State:
            number = self._partition(view)
            owner = self._membership.owners().get(number)
            try:
                if self._membership.owns(number) or owner == self._membership.url:
                    return await self.users.get(view)
                if owner is not None:
                    channel = self._channels.get(view)
                    known = None if channel is None else channel.state
                    return await self._peers.get(owner, view, known)
            except PeerError as error:
                raise unavailable(error.kind, f"partition {number}: {error}") from error
            except ProblemError as error:
                if error.status != 421:
                    raise
            raise unavailable("owner-unknown", f"partition {number} has no owner yet")

        return look

    async def _watch_moves(self) -> None:
        """Have everything looked at when partitions have moved: no commit tells of that."""
        before: object = None
        while True:
            numbers = range(self._membership.partitions)
            owned = frozenset(number for number in numbers if self._membership.owns(number))
            now = (owned, self._membership.owners())
            if before is not None and now != before:
                for channel in self._channels.values():
                    channel.mark()
            before = now
            await asyncio.sleep(_MOVES_SECONDS)
