"""Records and events of hand, and one partition of a topic with a broker's answers."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from models.dead_letters import ErrorType, Rejected
from models.events import Click, Purchase
from models.records import Record


@dataclass(frozen=True)
class FakeRecord:
    """A `models.records.Record`."""

    topic: str
    offset: int
    partition: int = 0
    timestamp: int = 0
    key: bytes | None = b"u"
    value: bytes | None = b"{}"
    headers: tuple[tuple[str, bytes], ...] = ()


Event = Click | Purchase | Rejected


def make_event(topic: str, offset: int, time: int | None) -> Event:
    """An event of this time in ms, or one that is refused."""
    record = FakeRecord(topic, offset)
    if time is None:
        return Rejected(ErrorType.NOT_JSON, "bad", record)
    if topic == "clicks":
        return Click("u", "/p", time, record)
    return Purchase("u", "i", 1, time, record)


@dataclass
class Partition:
    """What lies in a topic's partition, and how far it has been read."""

    topic: str
    log: list[Event] = field(default_factory=list)
    position: int = 0

    def append(self, time: int | None) -> None:
        self.log.append(make_event(self.topic, len(self.log), time))

    def fetch(self, limit: int) -> list[Event]:
        found = self.log[self.position : self.position + limit]
        self.position += len(found)
        return found

    def decode(self, records: Sequence[Record]) -> list[Event]:
        return [self.log[record.offset] for record in records]
