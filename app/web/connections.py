"""The connections of a worker's HTTP server: how many there are, and which goes when one must.

A connection costs nobody a key, so those that have shown none are held to little: they rest for a
short time, and the longest-resting one of them is closed when another needs its place. One that has
shown a key is never closed for one that has not.
"""

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Final

from app.descriptors import SLACK
from app.observability import catalogue
from app.observability.metrics import Metrics
from app.web.connection import Connection, Why

HEAD_SECONDS = 10.0
"""Seconds from a connection's opening in which the head of its first request must have come."""
REST_SECONDS = 7.0
"""Seconds that a connection may rest that has asked, and shown no key."""
READ_SECONDS = 10.0
"""Seconds in which a client must have taken something of an answer that waits for it."""
KEYED_READ_SECONDS = 30.0
"""The same for one that has shown a key."""
UNREAD_BYTES: Final = 64 * 1024 * 1024
"""Bytes of answers that wait in this process for their clients, over all connections."""
SPARED_SECONDS: Final = 0.5
"""Seconds from its connecting in which one is not closed for another, so that it can ask."""
# Seconds in which one that is served is not closed for another.
_SERVED_SECONDS = 1.0
# Between two looks at connections that rest or do not read.
_LOOK_SECONDS = 0.25


class Connections:
    """All of one server, in the order in which they have rested, the longest first."""

    def __init__(self, limit: int, metrics: Metrics) -> None:
        """`limit`: how many there may be."""
        self.limit = limit
        self._metrics = metrics
        # A client's address: where many connections come from, one goes before another's only one.
        self._unkeyed: dict[str, dict[Connection, None]] = {}
        self._keyed: dict[Connection, None] = {}
        self._waiting: dict[Connection, tuple[Callable[[], int], float]] = {}
        # Those whose descriptors are taken, and those of them that are not being closed.
        self._open = self._live = 0
        self._looking: asyncio.TimerHandle | None = None
        metrics.watch(catalogue.HTTP_CONNECTIONS, self._shown)
        metrics.watch(catalogue.HTTP_CONNECTIONS_LIMIT, lambda: [((), self.limit)])

    def counts(self) -> tuple[int, int]:
        """How many have shown a key, and how many have not."""
        return len(self._keyed), self._live - len(self._keyed)

    def _shown(self) -> list[tuple[tuple[str], int]]:
        keyed, unkeyed = self.counts()
        return [(("keyed",), keyed), (("unkeyed",), unkeyed)]

    @property
    def has_room(self) -> bool:
        """Whether one more may come, be it that another has to be closed for it."""
        if self._open >= self.limit + SLACK:
            return False
        return self._live < self.limit or self._dispensable() is not None

    def give_way(self) -> None:
        """Close a connection that has shown no key, if there is one."""
        found = self._dispensable()
        if found is not None:
            self.close(found, Why.ROOM)

    def _dispensable(self) -> Connection | None:
        """Give the longest-resting one without a key, of where most of them come from.

        Not one that has just come and not been answered yet: a probe has to be.
        """
        crowd = max(self._unkeyed.values(), key=len, default={})
        served = time.monotonic() - _SERVED_SECONDS
        for one in crowd:
            if one.since <= served or not (one.spared or one.busy):
                return one
        return None

    def opened(self, connection: Connection) -> None:
        """Count a new one in, and close another where that is one too many."""
        self._open += 1
        self._live += 1
        self._unkeyed.setdefault(connection.address, {})[connection] = None
        if self._live > self.limit:
            self.give_way()
        if self._looking is None:
            self._look_later()

    def ended(self, connection: Connection) -> None:
        """Count one out: its descriptor is free."""
        self._open -= 1
        self._forget(connection)

    def active(self, connection: Connection) -> None:
        """Note that it has begun or ended to be served: it has rested for the shortest time."""
        if connection.closing:
            return
        connection.since = time.monotonic()
        if connection.keyed:
            self._keyed.pop(connection, None)
            self._keyed[connection] = None
        else:
            self._remove(connection)
            self._unkeyed.setdefault(connection.address, {})[connection] = None

    def shown_key(self, connection: Connection) -> bool:
        """Note that a request on it has shown a key; whether there is room for one more such.

        Some room stays for those without: probes have no key.
        """
        if connection.keyed or connection.closing:
            return True
        most = self.limit - SLACK
        if len(self._keyed) >= most:
            resting = next((one for one in self._keyed if not one.busy), None)
            if resting is None:
                self.refused(Why.REFUSED)
                return False
            self.close(resting, Why.ROOM)
        self._remove(connection)
        connection.keyed = True
        self._keyed[connection] = None
        return True

    def refused(self, why: Why) -> None:
        """Count one that was not taken."""
        self._metrics.connection_closed(why.value)

    def close(self, connection: Connection, why: Why) -> None:
        """End one at once."""
        if not connection.closing:
            self._metrics.connection_closed(why.value)
            self._forget(connection)
            connection.cut()

    def reads_slowly(self, connection: Connection, unread: Callable[[], int]) -> None:
        """Note that its client has to take some of its answer before more can be written."""
        connection.unread = unread()
        self._waiting[connection] = (unread, time.monotonic())

    def reads(self, connection: Connection) -> None:
        """Note that it has."""
        self._waiting.pop(connection, None)

    def _forget(self, connection: Connection) -> None:
        if connection.closing:
            return
        connection.closing = True
        self._live -= 1
        self._waiting.pop(connection, None)
        self._keyed.pop(connection, None)
        self._remove(connection)

    def _remove(self, connection: Connection) -> None:
        crowd = self._unkeyed.get(connection.address)
        if crowd is not None:
            crowd.pop(connection, None)
            if not crowd:
                del self._unkeyed[connection.address]

    def _look_later(self) -> None:
        loop = asyncio.get_running_loop()
        self._looking = loop.call_later(_LOOK_SECONDS, self._look)

    def _look(self) -> None:
        """Close what rests for too long, or does not read."""
        self._looking = None
        now = time.monotonic()
        for crowd in list(self._unkeyed.values()):
            self._look_at_unkeyed(crowd, now)
        for connection, (unread, since) in list(self._waiting.items()):
            left = unread()
            if left < connection.unread:
                self._waiting[connection] = (unread, now)
            elif now - since >= (KEYED_READ_SECONDS if connection.keyed else READ_SECONDS):
                self.close(connection, Why.SLOW_READER)
            connection.unread = left
        self._bound_unread()
        if self._open:
            self._look_later()

    def _look_at_unkeyed(self, crowd: dict[Connection, None], now: float) -> None:
        shortest = min(REST_SECONDS, HEAD_SECONDS)
        for connection in list(crowd):
            rested = now - connection.since
            if rested < shortest:
                break
            if not connection.asked and rested >= HEAD_SECONDS:
                self.close(connection, Why.SLOW_HEAD)
            elif connection.asked and rested >= REST_SECONDS and not connection.busy:
                self.close(connection, Why.IDLE)

    def _bound_unread(self) -> None:
        """Close those that leave most, until the rest is not too much."""
        held = sum(one.unread for one in self._waiting)
        while held > UNREAD_BYTES and len(self._waiting) > 1:
            most = max(self._waiting, key=lambda one: (not one.keyed, one.unread))
            held -= most.unread
            self.close(most, Why.SLOW_READER)

    def stop(self) -> None:
        """Look no more."""
        if self._looking is not None:
            with suppress(RuntimeError):
                self._looking.cancel()
            self._looking = None
