"""The sample's last hours once more, as if they happened now, at a pace that one can watch."""

import asyncio
import itertools
import time
from collections.abc import Mapping, Sequence

from app.demo.week import SampleEvent
from app.producer import EventProducer
from app.producer.events import with_timestamp
from app.producer.mirror import mirrored
from models.topics import USER_EVENTS


class Live:
    """Sends events, each stamped with the moment of its sending, round after round."""

    def __init__(
        self, producer: EventProducer, names: Mapping[str, str], events: Sequence[SampleEvent]
    ) -> None:
        """Send `events` to the topics; `names`: the actual ones by the catalogue's id."""
        self._producer = producer
        self._names = names
        self._events = events
        self.sent = 0
        self.purchases = 0

    async def run(self, rate: float) -> None:
        """Send `rate` events a second, for ever. Raises `ProduceError` when the broker fails."""
        due = time.monotonic()
        for event in itertools.cycle(self._events):
            now = time.monotonic()
            # After a suspended machine wakes, nothing is made up for.
            due = max(due + 1 / rate, now - 1)
            await asyncio.sleep(due - now)
            value = with_timestamp(event.value, self._producer.stamp())
            image = mirrored(event.topic, value)
            await self._producer.send(self._names[event.topic.id], value)
            if image is not None:
                await self._producer.send(self._names[USER_EVENTS.id], image)
            self.sent += 1
            self.purchases += event.priced
