"""Pure arithmetic of windows over event time (contract 3); all times are ms since the epoch."""

from typing import NamedTuple


class Tumbling(NamedTuple):
    """Fixed windows [start, start + size) that start at multiples of `size` since the epoch."""

    size: int

    def start(self, time: int) -> int:
        """Start of the window that holds `time`."""
        return time - time % self.size

    def end(self, start: int) -> int:
        """Exclusive end of the window that starts at `start`."""
        return start + self.size

    def last(self, start: int) -> int:
        """Last millisecond of the window that starts at `start`."""
        return start + self.size - 1


def is_closed(last: int, stream_time: int, grace: int) -> bool:
    """Whether a window whose last millisecond is `last` takes nothing more (contract 3)."""
    return stream_time - last > grace


def is_dropped(last: int, stream_time: int, grace: int, retention: int) -> bool:
    """Whether a window is past its retention: `retention` of stream time after it closed."""
    return stream_time - last > grace + retention
