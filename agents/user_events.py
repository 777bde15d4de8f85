"""User events: counted in windows and in totals (contract 4)."""

from agents.late import LateEvents
from agents.partition import Batches, Partition
from models.events import UserEvent
from models.outputs import Output
from models.results import event_count, event_count_key
from models.topics import EVENT_COUNTS, LATE_EVENTS, Catalogue
from tables import totals
from tables.event_counts import COUNTS, COUNTS_EXPIRY, NAME, EventCounts
from tables.rules import Rules
from tables.totals import TotalsFold
from tables.undo import Changed
from tables.windows import Tumbling


class UserEventsWork:
    """What one partition does with its user events."""

    def __init__(self, partition: Partition, catalogue: Catalogue, rules: Rules) -> None:
        """`catalogue`: the topics' actual names."""
        self._partition = partition
        self._changed: Changed[tuple[str, int]] = partition.changed()
        self._counts = EventCounts(
            partition.rows(COUNTS),
            partition.rows(COUNTS_EXPIRY),
            partition.stream_time(NAME),
            self._changed,
            rules,
        )
        self._totals = TotalsFold(partition.rows(totals.TOTALS), partition.stream_time(totals.NAME))
        self._late = LateEvents(partition, catalogue.name(LATE_EVENTS))
        self._topic = catalogue.name(EVENT_COUNTS)
        self._window = Tumbling(rules.tumbling)

    def take(self, event: UserEvent) -> None:
        """Count one event."""
        user, time = event.user_id, event.timestamp
        late = self._counts.add(user, time)
        if late is not None:
            self._late.write(event.source, time, late)
        self._totals.event(user, time, event.action)

    def before_commit(self) -> None:
        """Publish the count of each changed window; forget old windows."""
        for user, start in self._changed:
            key, value = event_count_key(user, start), event_count(self._counts.count(user, start))
            self._partition.send(Output(self._topic, None, key, value, self._window.last(start)))
        self._counts.sweep()

    def committed(self) -> None:
        """Nothing to note."""


async def count_user_events(batches: Batches[UserEvent]) -> None:
    """The agent of `user-events`."""
    async for batch in batches:
        work = batch.work(UserEventsWork)
        for event in batch:
            work.take(event)
