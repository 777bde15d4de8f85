"""The output topics, read with read_committed, held against the model."""

import hashlib
from collections.abc import Iterable, Set

from tests.oracle.compare_windows import check_counts, check_once, check_revenue
from tests.oracle.conservation import conservation
from tests.oracle.equality import parse_answer, same, shown
from tests.oracle.model import Expected
from tests.oracle.records import (
    AVERAGES,
    COUNTS,
    DEAD,
    ENRICHED,
    LATE,
    OUTPUTS,
    REVENUE,
    SESSIONS,
    Record,
)
from tests.oracle.results import (
    ENRICHMENT,
    EVENT_COUNTS,
    HOPPING_COUNTS,
    MOVING_AVERAGE,
    REVENUE_SUM,
    SESSION,
    Late,
)

ALL = frozenset({ENRICHMENT, EVENT_COUNTS, MOVING_AVERAGE, HOPPING_COUNTS, SESSION, REVENUE_SUM})

Source = tuple[str, int, int, str]
"""(input topic, partition, offset, late.for or "")."""


class OutputCheck:
    """Collects the differences of one run, each named by its check."""

    def __init__(
        self, expected: Expected, observed: Iterable[Record], computations: Set[str] = ALL
    ) -> None:
        self.expected = expected
        self.computations = computations
        self.differences: list[str] = list(expected.differences)
        self.topics: dict[str, list[Record]] = {role: [] for role in OUTPUTS}
        for record in observed:
            role = expected.settings.role(record.topic)
            if role in self.topics:
                self.topics[role].append(record)

    def differ(self, check: str, text: str) -> None:
        self.differences.append(f"{check}: {text}")

    def run(self) -> list[str]:
        self.check_enriched()
        self.check_late()
        self.check_dead()
        if EVENT_COUNTS in self.computations:
            check_counts(self.expected, self.topics[COUNTS], self.differ)
        if REVENUE_SUM in self.computations:
            check_revenue(self.expected, self.topics[REVENUE], self.differ)
        partitions = self.expected.partitions.items()
        if MOVING_AVERAGE in self.computations:
            closed = {n: p.averages.final() for n, p in partitions}
            check_once(AVERAGES, "window_end", closed, self.topics[AVERAGES], self.differ)
        if SESSION in self.computations:
            closed = {n: p.sessions.final() for n, p in partitions}
            check_once(SESSIONS, "end", closed, self.topics[SESSIONS], self.differ)
        self.differences += conservation(self.expected, self.topics, self.computations)
        return self.differences

    def matched(self, topic: str, sources: Set[Source]) -> dict[Source, Record]:
        """The topic's records by their source; reports missing, unexpected, double, unordered."""
        found: dict[Source, Record] = {}
        latest: dict[tuple[int, str, str], int] = {}
        for record in sorted(self.topics[topic], key=lambda r: (r.partition, r.offset)):
            source = source_of(record)
            if source is None:
                self.differ(f"{topic}:headers", f"{record.partition}/{record.offset} no source.*")
                continue
            if source in found:
                self.differ("duplicates", f"{topic} twice for {source}")
                continue
            found[source] = record
            where, position, lane = source[1], source[2], (record.partition, source[0], source[3])
            if record.partition != where:
                self.differ(f"{topic}:partition", f"{source} lies in {record.partition}")
            if latest.get(lane, -1) > position:
                self.differ(f"{topic}:order", f"{source} after offset {latest[lane]}")
            latest[lane] = max(position, latest.get(lane, -1))
        for source in sorted(sources - found.keys()):
            self.differ(f"{topic}:missing", f"{source}")
        for source in sorted(found.keys() - sources):
            self.differ(f"{topic}:unexpected", f"{source}")
        return {source: record for source, record in found.items() if source in sources}

    def check_enriched(self) -> None:
        expected = {
            (*e.purchase.record.position, ""): e
            for partition in self.expected.partitions.values()
            for e in partition.enrichment.enriched
        }
        for source, record in self.matched(ENRICHED, expected.keys()).items():
            wanted = expected[source]
            self.check_source(ENRICHED, wanted.purchase.record, record)
            self.check_time(ENRICHED, wanted.purchase.time, record)
            value = wanted.value()
            if not json_is(record.value, value):
                self.differ(f"{ENRICHED}:value", f"{source} {differ_text(value, record)}")
            clicks = record.header("clicks.offset")
            if clicks not in {str(offset) for offset in wanted.clicks_offset}:
                want = sorted(wanted.clicks_offset)
                self.differ(f"{ENRICHED}:headers", f"{source} clicks.offset {clicks}, not {want}")

    def check_late(self) -> None:
        expected: dict[Source, Late] = {
            (*late.event.record.position, late.computation): late
            for partition in self.expected.partitions.values()
            for late in partition.ledger.late
            if late.computation in self.computations
        }
        readings: dict[str, Set[str]] = {}
        for source, record in self.matched(LATE, expected.keys()).items():
            late = expected[source]
            self.check_source(LATE, late.event.record, record)
            self.check_time(LATE, late.event.time, record)
            if record.value != late.event.record.value:
                self.differ(f"{LATE}:value", f"{source} is not the source's value")
            if record.header("stream.time") != str(late.stream_time):
                seen = record.header("stream.time")
                self.differ(f"{LATE}:headers", f"{source} stream.time {seen}: {late.stream_time}")
            by = record.header("late.by")
            fitting: Set[str] = {name for name, ms in late.readings().items() if str(ms) == by}
            readings[source[3]] = readings.get(source[3], fitting) & fitting
            if not fitting:
                self.differ(f"{LATE}:headers", f"{source} late.by {by}: {late.readings()}")
        for computation, fitting in readings.items():
            if not fitting:
                self.differ(f"{LATE}:headers", f"late.by of {computation} fits no single reading")

    def check_dead(self) -> None:
        expected = {(*position, ""): dead for position, dead in self.expected.dead.items()}
        for source, record in self.matched(DEAD, expected.keys()).items():
            dead = expected[source]
            self.check_source(DEAD, dead.record, record)
            if not self.value_kept(dead.record.value, record):
                self.differ(f"{DEAD}:value", f"{source} is not the source's value")
            error = record.header("error.type")
            if error not in dead.reasons:
                self.differ(f"{DEAD}:headers", f"{source} error.type {error}: {dead.reasons}")
            if not record.header("error.message"):
                self.differ(f"{DEAD}:headers", f"{source} has no error.message")
            if record.header("source.timestamp") != str(dead.record.timestamp):
                self.differ(f"{DEAD}:headers", f"{source} source.timestamp")
            if not (record.header("failed.at") or "").isdecimal():
                self.differ(f"{DEAD}:headers", f"{source} failed.at")

    def value_kept(self, value: bytes | None, record: Record) -> bool:
        """Unchanged, or null with its size and SHA-256 where the broker may have refused it."""
        if record.value == value:
            return True
        if value is None or len(value) <= self.expected.settings.dead_letter_bytes:
            return False
        texts = {content.lower() for _, content in record.headers}
        digest = hashlib.sha256(value).hexdigest().encode()
        return record.value is None and {digest, str(len(value)).encode()} <= texts

    def check_source(self, topic: str, source: Record, record: Record) -> None:
        """Key and `source.*` are the source's (topic, partition and offset: by `matched`)."""
        if record.key != source.key:
            self.differ(f"{topic}:key", f"{source.position} {record.key!r}, not {source.key!r}")

    def check_time(self, topic: str, time: int, record: Record) -> None:
        if record.timestamp != time:
            where = f"{record.partition}/{record.offset}"
            self.differ(f"{topic}:timestamp", f"{where} {record.timestamp}, not {time}")


def source_of(record: Record) -> Source | None:
    """The record's source by its headers."""
    topic = record.header("source.topic")
    partition, offset = record.header("source.partition"), record.header("source.offset")
    if not topic or not (partition or "").isdecimal() or not (offset or "").isdecimal():
        return None
    return topic, int(partition or 0), int(offset or 0), record.header("late.for") or ""


def json_is(value: bytes | None, expected: object) -> bool:
    try:
        return value is not None and same(expected, parse_answer(value))
    except ValueError:
        return False


def differ_text(expected: object, record: Record) -> str:
    return f"is {shown((record.value or b'').decode(errors='replace'))}, not {shown(expected)}"


def compare_outputs(
    expected: Expected, observed: Iterable[Record], computations: Set[str] = ALL
) -> list[str]:
    """The differences between the observed output records and the model; [] where there is none."""
    return OutputCheck(expected, observed, computations).run()
