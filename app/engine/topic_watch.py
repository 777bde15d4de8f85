"""Watches over the topics while a worker runs: each must stay the topic that it was at the start.

A topic made anew has its old name, and offsets that begin at 0 again: what is read under the old
offsets would be other records, and commits would go on as if nothing had happened. So every
transaction, before it ends, has it confirmed that all topics are still there under their ids: what
was fetched before that came from them, since an id is never given twice.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Mapping

from app.engine.errors import StateError
from app.errors import UserError
from app.topic_identity import ClusterIdentity, TopicIdentity
from app.topic_remedies import deleted, made_anew, more_partitions

log = logging.getLogger(__name__)
Look = Callable[[], Awaitable[ClusterIdentity]]
Confirm = Callable[[], Awaitable[None]]

INTERVAL = 5.0
"""Seconds between looks of a worker that commits nothing."""
# Partitions that commit at the same time share a look: at most so many seconds' worth of commits.
_SPACING = 0.02
_AGAIN = 0.2


class TopicWatch:
    """One for all partitions of a worker."""

    def __init__(
        self, look: Look, known: Mapping[str, TopicIdentity], roles: Mapping[str, str]
    ) -> None:
        """`look`: asks the broker, UserError when it does not answer; `known`: as at the start.

        `roles`: what each topic is to the service, by name.
        """
        self.failure: StateError | None = None
        self._ask = look
        self._known = known
        self._roles = roles
        self._good: ClusterIdentity | None = None
        self._began = float("-inf")
        self._waiting: asyncio.Task[bool] | None = None
        self._last: asyncio.Task[bool] | None = None
        self._changed = asyncio.Event()

    async def run(self) -> None:
        """Look every few seconds. Raises StateError as soon as anybody has seen a change."""
        while self.failure is None:
            try:
                async with asyncio.timeout(INTERVAL):
                    await self._changed.wait()
            except TimeoutError:
                await self._look()
        raise self.failure

    async def confirm(self) -> None:
        """Return when a look that began after this call has found every topic as it was.

        Waits as long as no broker answers. Raises StateError.
        """
        while self.failure is None:
            if await self._look():
                break
            await asyncio.sleep(_AGAIN)
        if self.failure is not None:
            raise self.failure

    async def _look(self) -> bool:
        """Take part in the look that begins next; whether a broker answered it."""
        if self._waiting is None:
            self._waiting = self._last = asyncio.create_task(self._turn(self._last))
        return await asyncio.shield(self._waiting)

    async def _turn(self, before: "asyncio.Task[bool] | None") -> bool:
        if before is not None:
            await asyncio.wait([before])
        await asyncio.sleep(max(self._began + _SPACING - time.monotonic(), 0))
        self._waiting, self._began = None, time.monotonic()
        try:
            found = await self._ask()
        except UserError as error:
            log.debug("the topics cannot be watched: %s", error)
            return False
        if found is not self._good:
            self.compare(found)
        return True

    def compare(self, found: ClusterIdentity) -> None:
        """Note a `failure` if a topic is not what it was."""
        for name, was in self._known.items():
            what = _difference(name, was, found.topics.get(name), self._roles)
            if what is not None:
                self.failure = self.failure or StateError(what)
                self._changed.set()
                return
        self._good = found


def _difference(
    name: str, was: TopicIdentity, now: TopicIdentity | None, roles: Mapping[str, str]
) -> str | None:
    """Say in one line what happened to a topic and what to do; None if nothing."""
    if now is None:
        return f"topic {name} was deleted while it was in use: {deleted(name, roles)}"
    if now.topic_id != was.topic_id:
        return (
            f"topic {name} was deleted and created anew while it was in use: "
            f"{made_anew(name, roles)}"
        )
    if now.partitions != was.partitions:
        return (
            f"topic {name} was changed from {was.partitions} to {now.partitions} partitions while "
            f"it was in use: {more_partitions(name, was.partitions, roles)}"
        )
    return None
