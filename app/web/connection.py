"""One connection of a worker's HTTP server, and why it may be closed."""

import time
from collections.abc import Callable
from enum import StrEnum


class Why(StrEnum):
    """Why the server has closed a connection, or has not taken one."""

    ROOM = "room"
    SLOW_HEAD = "slow-head"
    LARGE_HEAD = "large-head"
    IDLE = "idle"
    SLOW_READER = "slow-reader"
    REFUSED = "refused"
    NO_DESCRIPTOR = "no-descriptor"


class Connection:
    """One connection, from its acceptance to its end. Times are `time.monotonic()`."""

    __slots__ = (
        "_cut",
        "address",
        "asked",
        "busy",
        "closing",
        "keyed",
        "since",
        "spared",
        "unread",
    )

    def __init__(self, address: str, cut: Callable[[], object]) -> None:
        """`address`: the client's; `cut`: ends it at once."""
        self.address = address
        self.keyed = False
        self.asked = False
        self.busy = False
        self.closing = False
        self.spared = True
        self.since = time.monotonic()
        # How many bytes its client had not taken, as of the last look.
        self.unread = 0
        self._cut = cut

    def spare_no_more(self) -> None:
        """Note that it has had the time to ask."""
        self.spared = False

    def cut_by(self, cut: Callable[[], object]) -> None:
        """Take another way to end it: it has a transport by now."""
        self._cut = cut

    def cut(self) -> None:
        """End it at once, whatever is under way."""
        self._cut()
