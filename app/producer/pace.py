"""When a recorded event is due, and how far it is moved in time."""

import asyncio
from collections.abc import Callable
from typing import Final

SHORTEST_WAIT: Final = 0.01


class Pace:
    """Holds a replay to `speed` times the pace of the events' times; 0 is no holding.

    The first event is due at once, another when the time between them has passed `speed` times
    as fast. One out of order that was due earlier goes at once.
    """

    def __init__(self, speed: float, clock: Callable[[], float]) -> None:
        """Measure the waiting by `clock`, in seconds."""
        self._per_ms = 1 / (1000 * speed) if speed else 0.0
        self._clock = clock
        self._began: tuple[float, int] | None = None

    def wait_for(self, time_ms: int) -> float:
        """Return for how many seconds to wait before the event; 0 where it is less than 10 ms."""
        if not self._per_ms:
            return 0.0
        if self._began is None:
            self._began = self._clock(), time_ms
        began, first_ms = self._began
        wait = began + (time_ms - first_ms) * self._per_ms - self._clock()
        return wait if wait >= SHORTEST_WAIT else 0.0


def shift_to(now_ms: int, first_ms: int, last_ms: int, speed: float) -> int:
    """Return by how many ms to move events so that the last one ends "now", when it is sent.

    As fast as possible that is the time of the start. With a speed the last one is sent later by
    the length of the replay. Slower than real time, the first one would lie in the future; so
    there it is the first one that is moved to now.
    """
    if not speed:
        return now_ms - last_ms
    return now_ms - last_ms + round((last_ms - first_ms) / max(speed, 1.0))


async def pause(seconds: float, step: float, on_step: Callable[[], None]) -> None:
    """Wait, calling `on_step` every `step` seconds."""
    while seconds > 0:
        await asyncio.sleep(min(seconds, step))
        seconds -= step
        on_step()
