"""What follows from the events and from Kafka Streams' answer by arithmetic alone."""

from bisect import bisect_left
from collections import Counter
from collections.abc import Sequence
from itertools import accumulate

from tests.kafka_streams.shapes import Content, Event, KafkaRun, Shape, Update, Window

NOTHING = Content(0, 0)
"""A window that has gone into another."""

Changes = dict[tuple[int, Window], Content]
"""{(event's index, window): what it holds then}."""


class Facts:
    """One run's events, and stream time after each of them."""

    def __init__(self, shape: Shape, events: Sequence[Event]) -> None:
        self.shape = shape
        self.events = events
        times = [event.time if shape.takes(event) else 0 for event in events]
        self.stream = list(accumulate(times, max))

    def first_at(self, stream_time: int) -> int:
        """The first event with which stream time is at least that; one past the last if none."""
        return bisect_left(self.stream, stream_time)

    def is_open(self, end: int, index: int) -> bool:
        """Whether a window with this end is open when the event `index` has moved stream time."""
        return self.stream[index] <= self.shape.last_in_time(end)

    def dropped(self, run: KafkaRun) -> frozenset[int]:
        """The events of which Kafka Streams made nothing at all.

        Its metric alone does not say that: it also grows when one of several windows is closed.
        """
        changing = {update.at for update in run.updates}
        taken = (index for index in run.skipped if self.shape.takes(self.events[index]))
        return frozenset(index for index in taken if index not in changing)

    def skips(self, run: KafkaRun) -> dict[int, int]:
        """What the metric of an aligned aggregation must say: the windows that an event is in and
        did not change."""
        size, step = self.shape.size, self.shape.step
        changed = Counter(update.at for update in run.updates)
        wanted = {}
        for index, event in enumerate(self.events):
            oldest = max(event.time - size + step, 0) // step
            holding = event.time // step - oldest + 1
            wanted[index] = holding - changed[index]
        return {index: count for index, count in wanted.items() if count}

    def kept(self, run: KafkaRun) -> dict[Window, Content]:
        """What the store must hold at the end: what its retention has not dropped."""
        final = finals(run.updates)
        if self.shape.store == "long":
            return final
        refused = run.skipped.keys() & {update.at for update in run.updates}
        stored = finals([update for update in run.updates if update.at not in refused])
        grace = 1 if self.shape.store == "default" else 0
        last = len(self.events) - 1
        return {
            window: content
            for window, content in stored.items()
            if self.stream[last] <= self.shape.last_in_time(window.end) - grace
        }


def changes(updates: Sequence[Update]) -> Changes:
    """Per event and window the last update: a session is taken out and put back in one event."""
    return {(index, window): content or NOTHING for index, window, content in updates}


def finals(updates: Sequence[Update]) -> dict[Window, Content]:
    """Every window that did not go into another, as it was last."""
    found: dict[Window, Content] = {}
    for _, window, content in updates:
        if content is None:
            found.pop(window, None)
        else:
            found[window] = content
    return found


def same(ours: Content | None, kafka: Content | None) -> bool:
    """Whether contents are equal; an implementation without sums is compared by its counts."""
    if ours is None or kafka is None:
        return ours is kafka
    return ours.events == kafka.events and ours.total in (None, kafka.total)
