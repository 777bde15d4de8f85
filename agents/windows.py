"""What becomes of user events in windows: counts, moving averages, sessions (contract 4)."""

from agents.late import LateEvents
from agents.partition import Partition
from models.events import UserEvent
from models.outputs import Output
from models.results import event_count, event_count_key, moving_average, user_session
from models.topics import EVENT_COUNTS, LATE_EVENTS, MOVING_AVERAGES, USER_SESSIONS, Catalogue
from tables import event_counts, hopping_counts
from tables.moving_average import Averaged, MovingAverage
from tables.rules import Rules
from tables.sessions import OpenSession, Sessions
from tables.window_counts import WindowCounts


class EventCounting:
    """Counts in windows side by side; each changed one is published with the commit."""

    def __init__(self, partition: Partition, catalogue: Catalogue, rules: Rules) -> None:
        """`catalogue`: the topics' actual names."""
        self._send = partition.send
        self._window = event_counts.windows(rules)
        self._changed = partition.changed()
        self._counts = WindowCounts(
            partition, event_counts.TABLES, self._window, rules, changed=self._changed
        )
        self._late = LateEvents(partition, catalogue.name(LATE_EVENTS))
        self._topic = catalogue.name(EVENT_COUNTS)

    def take(self, event: UserEvent) -> None:
        """Count an event."""
        late = self._counts.add(event.user_id, event.timestamp)
        if late is not None:
            self._late.write(event.source, event.timestamp, late)

    def before_commit(self) -> None:
        """Publish the count of each changed window; forget old windows."""
        for user, start in self._changed:
            key, value = event_count_key(user, start), event_count(self._counts.count(user, start))
            self._send(Output(self._topic, None, key, value, self._window.last(start)))
        self._counts.sweep()

    @property
    def overdue(self) -> bool:
        """Whether the next commit has more to forget."""
        return self._counts.overdue


class HoppingCounting:
    """Counts in windows that overlap: a view, no topic."""

    def __init__(self, partition: Partition, catalogue: Catalogue, rules: Rules) -> None:
        """`catalogue`: the topics' actual names."""
        windows = hopping_counts.windows(rules)
        self._counts = WindowCounts(partition, hopping_counts.TABLES, windows, rules)
        self._late = LateEvents(partition, catalogue.name(LATE_EVENTS))
        self.before_commit = self._counts.sweep

    def take(self, event: UserEvent) -> None:
        """Count an event."""
        late = self._counts.add(event.user_id, event.timestamp)
        if late is not None:
            self._late.write(event.source, event.timestamp, late)

    @property
    def overdue(self) -> bool:
        """Whether the next commit has more to forget."""
        return self._counts.overdue


class Averaging:
    """Means of the values of the last ten minutes; each is published when its window closes."""

    def __init__(self, partition: Partition, catalogue: Catalogue, rules: Rules) -> None:
        """`catalogue`: the topics' actual names."""
        self._send, self._number = partition.send, partition.number
        self._averages = MovingAverage(partition, rules, self._publish)
        self._late = LateEvents(partition, catalogue.name(LATE_EVENTS))
        self._topic = catalogue.name(MOVING_AVERAGES)
        self.before_commit = self._averages.sweep

    def take(self, event: UserEvent) -> None:
        """Count an event's value, if it has one."""
        if event.value is None:
            return
        late = self._averages.add(event.user_id, event.timestamp, event.value)
        if late is not None:
            self._late.write(event.source, event.timestamp, late)

    def _publish(self, user: str, window: Averaged) -> None:
        value = moving_average(user, *window)
        self._send(Output(self._topic, self._number, user.encode(), value, window.end))

    @property
    def overdue(self) -> bool:
        """Whether windows have closed that are not published."""
        return self._averages.overdue


class SessionTracking:
    """Sessions; each is published when it closes."""

    def __init__(self, partition: Partition, catalogue: Catalogue, rules: Rules) -> None:
        """`catalogue`: the topics' actual names."""
        self._send, self._number = partition.send, partition.number
        self._sessions = Sessions(partition, rules, self._publish)
        self._late = LateEvents(partition, catalogue.name(LATE_EVENTS))
        self._topic = catalogue.name(USER_SESSIONS)
        self.before_commit = self._sessions.sweep

    def take(self, event: UserEvent) -> None:
        """Take an event into its session."""
        late = self._sessions.add(event.user_id, event.timestamp)
        if late is not None:
            self._late.write(event.source, event.timestamp, late)

    def _publish(self, user: str, session: OpenSession) -> None:
        value = user_session(user, session.start, session.end, session.events)
        self._send(Output(self._topic, self._number, user.encode(), value, session.end))

    @property
    def overdue(self) -> bool:
        """Whether sessions have closed that are not published."""
        return self._sessions.overdue
