"""Time as the engine sees it: injected, so that tests can hold it still."""

import time
from typing import Protocol

_BOOT = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


def since_boot() -> float:
    """Seconds that never go back, and go on while the machine is suspended, where it can tell.

    For what others have agreed to only for some time: they go on without this machine. Linux
    can tell.
    """
    return time.clock_gettime(_BOOT)


class Clock(Protocol):
    """Two readings: one to measure with, one to stamp with."""

    def monotonic(self) -> float:
        """Seconds that never go back."""

    def wall_ms(self) -> int:
        """Milliseconds since the epoch. Never asked by a fold: event time is in the record."""


class SystemClock:
    """The machine's clock."""

    def monotonic(self) -> float:
        """See `Clock`."""
        return time.monotonic()

    def wall_ms(self) -> int:
        """See `Clock`."""
        return time.time_ns() // 1_000_000
