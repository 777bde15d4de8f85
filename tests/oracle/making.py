"""Short ways to write records for the model's own tests, and the outputs of a faultless service."""

import json
import random
from decimal import Decimal

from tests.oracle.model import Expected
from tests.oracle.records import (
    AVERAGES,
    CLICKS,
    COUNTS,
    DEAD,
    ENRICHED,
    LATE,
    PURCHASES,
    REVENUE,
    SESSIONS,
    USER_EVENTS,
    Record,
    Settings,
)

ONE = Settings(partitions=1)
SECOND = 1_000
MINUTE = 60_000
BASE = 1_471_824_000_000
"""Monday 2016-08-22 00:00 UTC: a multiple of every window's size and step."""


class Log:
    """Builds input records with offsets per topic and partition. Times in ms from BASE."""

    def __init__(self, partition: int = 0) -> None:
        self.partition = partition
        self.records: list[Record] = []

    def raw(
        self, topic: str, key: bytes | None, value: bytes | None, timestamp: int = BASE * 2
    ) -> int:
        """Append a record and return its offset."""
        before = [r for r in self.records if r.topic == topic and r.partition == self.partition]
        record = Record(topic, self.partition, len(before), timestamp, key, value)
        self.records.append(record)
        return record.offset

    def event(self, topic: str, user: str, time: int, written: int | None, more: str) -> int:
        value = f'{{"user_id":"{user}",{more}"timestamp":{BASE + time}}}'.encode()
        at = BASE * 2 if written is None else BASE + written
        return self.raw(topic, user.encode(), value, at)

    def click(self, time: int, page: str, user: str = "u", written: int | None = None) -> int:
        return self.event(CLICKS, user, time, written, f'"page":"{page}",')

    def buy(self, time: int, amount: str = "1", user: str = "u", written: int | None = None) -> int:
        more = f'"product_id":"p","amount":{amount},'
        return self.event(PURCHASES, user, time, written, more)

    def act(self, time: int, value: str | None = None, user: str = "u", action: str = "a") -> int:
        more = f'"action":"{action}",' + (f'"value":{value},' if value else "")
        return self.event(USER_EVENTS, user, time, None, more)


def encoded(value: object) -> bytes:
    """JSON as a service would write it."""

    def number(content: object) -> object:
        if isinstance(content, Decimal):
            return float(content)
        raise TypeError(content)

    return json.dumps(value, default=number).encode()


class Faultless:
    """The output records of a service that does exactly what the model expects."""

    def __init__(self, expected: Expected) -> None:
        self.expected = expected
        self.records: list[Record] = []

    def put(
        self,
        topic: str,
        partition: int,
        timestamp: int,
        key: bytes | None,
        value: bytes | None,
        headers: dict[str, object] | None = None,
    ) -> None:
        at = sum(r.topic == topic and r.partition == partition for r in self.records)
        texts = tuple((name, str(content).encode()) for name, content in (headers or {}).items())
        self.records.append(Record(topic, partition, at, timestamp, key, value, texts))

    def put_from(
        self, topic: str, timestamp: int, source: Record, value: bytes | None, **more: object
    ) -> None:
        headers: dict[str, object] = {
            "source.topic": source.topic,
            "source.partition": source.partition,
            "source.offset": source.offset,
        }
        headers |= {name.replace("_", "."): content for name, content in more.items()}
        self.put(topic, source.partition, timestamp, source.key, value, headers)

    def outputs(self) -> list[Record]:
        for partition in self.expected.partitions.values():
            for enriched in partition.enrichment.enriched:
                source = enriched.purchase.record
                value = encoded(enriched.value())
                at = max(enriched.clicks_offset)
                time = enriched.purchase.time
                self.put_from(ENRICHED, time, source, value, clicks_offset=at)
            for late in partition.ledger.late:
                record = late.event.record
                now, by = late.stream_time, late.stream_time - late.event.time
                more = {"late_for": late.computation, "late_by": by, "stream_time": now}
                self.put_from(LATE, late.event.time, record, record.value, **more)
            for (user, start), cell in partition.counts.cells.items():
                key, last = f"{user}@{start}".encode(), partition.counts.last(start)
                for count in range(1, cell.count + 1):
                    self.put(COUNTS, 0, last, key, str(count).encode())
            for topic, values in (
                (AVERAGES, partition.averages.final()),
                (SESSIONS, partition.sessions.final()),
            ):
                for row in values:
                    end = row.get("window_end", row.get("end"))
                    assert isinstance(end, int)
                    self.put(topic, 0, end, str(row["user_id"]).encode(), encoded(row))
        merged = self.expected.revenue()
        for start in merged.totals:
            key, value = str(start).encode(), encoded(merged.value(start))
            self.put(REVENUE, 0, start + 299_999, key, value)
        for dead in self.expected.dead.values():
            more = {"error_type": dead.reasons[0], "error_message": "bad", "failed_at": 1}
            more |= {"source_timestamp": dead.record.timestamp}
            self.put_from(DEAD, 1, dead.record, dead.record.value, **more)
        return self.records


def mixed_log(events: int = 400) -> Log:
    """Half an hour of six users, out of order, with late and bad records; then all is quiet."""
    dice = random.Random(4)
    log = Log()
    for number in range(events):
        time = number * 5 * SECOND - dice.choice([0, 0, 0, 500, 3 * SECOND, 20 * MINUTE])
        user = f"u{dice.randrange(6)}"
        kind = dice.randrange(8)
        if kind < 4:
            log.click(time, f"/{number}", user)
        elif kind == 4:
            log.buy(time, f"{dice.randrange(10**4) / 100}", user)
        elif kind < 7:
            log.act(time, dice.choice([None, "1.5", "-3"]), user, dice.choice(["view", "cart"]))
        else:
            log.raw(dice.choice([CLICKS, PURCHASES]), b"u", dice.choice([b"{", None, b"[]"]))
    log.act(70 * MINUTE)
    return log
