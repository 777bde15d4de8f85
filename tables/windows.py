"""Pure arithmetic of windows over event time (contract 3); all times are ms since the epoch.

docs/windows.md shows each kind on a timeline.
"""

from typing import NamedTuple, Protocol


class Aligned(Protocol):
    """Windows of a fixed size that start at multiples of a step since the epoch."""

    @property
    def size(self) -> int:
        """How long a window is."""

    @property
    def step(self) -> int:
        """How far apart windows start."""

    def starts(self, time: int) -> range:
        """Starts of the windows that hold `time`, the oldest first."""

    def end(self, start: int) -> int:
        """Exclusive end of the window that starts at `start`."""

    def last(self, start: int) -> int:
        """Last millisecond of the window that starts at `start`."""


class Tumbling(NamedTuple):
    """Windows [start, start + size) side by side: each event is in one of them."""

    size: int

    @property
    def step(self) -> int:
        """How far apart windows start: each where the one before it ends."""
        return self.size

    def start(self, time: int) -> int:
        """Start of the window that holds `time`."""
        return time - time % self.size

    def starts(self, time: int) -> range:
        """See `Aligned`."""
        start = time - time % self.size
        return range(start, start + 1, self.size)

    def end(self, start: int) -> int:
        """See `Aligned`."""
        return start + self.size

    def last(self, start: int) -> int:
        """See `Aligned`."""
        return start + self.size - 1


class Hopping(NamedTuple):
    """Windows [start, start + size), one every `step`: each event is in several of them.

    None starts before the epoch, as in Kafka Streams.
    """

    size: int
    step: int

    def starts(self, time: int) -> range:
        """See `Aligned`."""
        oldest = (time - self.size) // self.step * self.step + self.step
        return range(max(oldest, 0), time + 1, self.step)

    def end(self, start: int) -> int:
        """See `Aligned`."""
        return start + self.size

    def last(self, start: int) -> int:
        """See `Aligned`."""
        return start + self.size - 1


class Sliding(NamedTuple):
    """For each event time t the window [t - size, t], both ends included."""

    size: int

    def start(self, end: int) -> int:
        """First millisecond of the window that ends at `end`; it may lie before the epoch."""
        return end - self.size

    def latest_end(self, time: int) -> int:
        """End of the latest window that can hold `time`."""
        return time + self.size


class Session(NamedTuple):
    """Events at most `gap` apart belong together; a session goes from its first to its last."""

    gap: int

    def near(self, time: int, first: int, last: int) -> bool:
        """Whether an event at `time` belongs to the session that goes from `first` to `last`."""
        return first - self.gap <= time <= last + self.gap

    def last(self, end: int) -> int:
        """Last millisecond at which an event joins a session whose last event is at `end`."""
        return end + self.gap


def is_closed(last: int, stream_time: int, grace: int) -> bool:
    """Whether a window whose last millisecond is `last` takes nothing more (contract 3)."""
    return stream_time - last > grace


def is_dropped(last: int, stream_time: int, grace: int, retention: int) -> bool:
    """Whether a window is past its retention: `retention` of stream time after it closed."""
    return stream_time - last > grace + retention
