"""An alert for each user who has more than 100 user events in a minute of event time."""

from agents.partition import Partition
from models.events import UserEvent
from models.outputs import Output
from models.topics import BUSY_USERS, Catalogue
from tables.count_rows import CountTables
from tables.rules import MINUTE, Rules
from tables.window_counts import WindowCounts
from tables.windows import Tumbling

TABLES = CountTables.of("busy-users", b"x", b"X", b"Y")


class BusyUsers:
    def __init__(self, partition: Partition, catalogue: Catalogue, rules: Rules) -> None:
        self._partition, self._topic = partition, catalogue.name(BUSY_USERS)
        window = Tumbling(MINUTE)
        self._counts = WindowCounts(partition, TABLES, window, rules, on_close=self._closed)
        self.before_commit = self._counts.sweep

    def take(self, event: UserEvent) -> None:
        self._counts.add(event.user_id, event.timestamp)

    def _closed(self, user: str, start: int, count: int) -> None:
        if count > 100:
            value = b'{"start":%d,"count":%d}' % (start, count)
            number, last = self._partition.number, start + MINUTE - 1
            self._partition.send(Output(self._topic, number, user.encode(), value, last))

    @property
    def overdue(self) -> bool:
        return self._counts.overdue
