"""The whole model: input records -> everything that the contract promises about them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from tests.oracle.enrichment import Enrichment
from tests.oracle.exact_numbers import iso, partition_of
from tests.oracle.merge import Queues, Replay, Step, choices, ready_order
from tests.oracle.moving_average import MovingAverages
from tests.oracle.records import (
    CLICKS,
    INPUTS,
    PURCHASES,
    USER_EVENTS,
    Position,
    Record,
    Settings,
    by_partition,
)
from tests.oracle.results import Ledger
from tests.oracle.sessions import Sessions
from tests.oracle.totals import Total, Totals, merged
from tests.oracle.validate import Event, Rejected, validate
from tests.oracle.windows import (
    MergedRevenue,
    Windows,
    event_counts,
    hopping_counts,
    revenue_partials,
)


@dataclass
class Partition:
    """All computations of one partition."""

    ledger: Ledger
    enrichment: Enrichment
    revenue: Windows
    counts: Windows
    hopping: Windows
    averages: MovingAverages
    sessions: Sessions
    totals: Totals

    @classmethod
    def empty(cls, settings: Settings) -> "Partition":
        ledger = Ledger()
        return cls(
            ledger,
            Enrichment(settings, ledger),
            revenue_partials(settings, ledger),
            event_counts(settings, ledger),
            hopping_counts(settings, ledger),
            MovingAverages(settings, ledger),
            Sessions(settings, ledger),
            Totals(ledger),
        )

    def take_merged(self, step: Step) -> None:
        self.enrichment.take(step)
        if step.event.micro is not None:
            self.revenue.take(step.event)
            self.totals.take(step.event, PURCHASES)

    def take_user_event(self, event: Event) -> None:
        for computation in (self.counts, self.hopping, self.averages, self.sessions):
            computation.take(event)
        self.totals.take(event, USER_EVENTS)

    def answer(self, name: str, user: str) -> tuple[dict[str, object], int | None]:
        """A user's view by its name in the path, and the stream time that it shows."""
        match name:
            case "recent-clicks":
                clicks = self.enrichment.recent_clicks(user)
                return {"clicks": clicks}, self.enrichment.stream_time
            case "enriched-purchases":
                purchases = self.enrichment.purchases_of(user)
                return {"purchases": purchases}, self.enrichment.stream_time
            case "event-counts":
                return {"windows": self.counts.view(user)}, self.counts.stream_time
            case "hopping-counts":
                return {"windows": self.hopping.view(user)}, self.hopping.stream_time
            case "moving-average":
                return self.averages.view(user), self.averages.stream_time
            case "sessions":
                return {"sessions": self.sessions.view(user)}, self.sessions.stream_time
            case "totals":
                total = self.totals.users.get(user, Total())
                return total.answer(), self.totals.stream_time
        raise KeyError(name)


@dataclass
class Expected:
    """What must be seen once the inputs given have been taken and committed."""

    settings: Settings
    partitions: dict[int, Partition]
    events: dict[str, dict[int, list[Event]]] = field(default_factory=dict)
    records: dict[str, list[Record]] = field(default_factory=dict)
    counted: dict[tuple[str, int], int] = field(default_factory=dict)
    dead: dict[Position, Rejected] = field(default_factory=dict)
    differences: list[str] = field(default_factory=list)
    """Illegal steps of a replayed merge."""

    def has_records(self, role: str, partition: int) -> bool:
        """Did the topic have any record there, valid or not?"""
        return bool(self.counted.get((role, partition)))

    def owner(self, user: str) -> Partition:
        return self.partitions[partition_of(user.encode(), self.settings.partitions)]

    def revenue(self) -> MergedRevenue:
        return MergedRevenue({n: p.revenue for n, p in self.partitions.items()}, self.settings)

    def totals(self) -> Total:
        return merged(p.totals for p in self.partitions.values())

    def view(self, name: str, user: str) -> dict[str, object]:
        """The answer of `/v1/users/{user}/{name}` as parsed JSON, without `offsets`."""
        there = self.owner(user)
        content, stream_time = there.answer(name, user)
        number = partition_of(user.encode(), self.settings.partitions)
        as_of = None if stream_time is None else iso(stream_time)
        return {"user_id": user, **content, "partition": number, "as_of": as_of}


class Model:
    """Runs the contract over complete inputs.

    `records`: all records of the input topics up to the committed offsets (`committed_only`).
    `enriched`: where given, the observed `enriched-purchases`, whose `clicks.offset` headers tell
    the order of the merge ("replay"); else the merge is that of complete queues ("ready").
    `failing`: {(topic, partition, offset): error type} of valid records that the service could not
    process (`handler`, `too-large`): they are dead letters and have no effect.
    `slack`: see `merge.Replay`.
    """

    def __init__(
        self,
        records: Iterable[Record],
        settings: Settings,
        enriched: Iterable[Record] | None = None,
        failing: Mapping[Position, str] | None = None,
        slack: int | None = None,
    ) -> None:
        self.records = list(records)
        self.settings = settings
        self.chosen = None if enriched is None else choices(enriched)
        self.failing = failing or {}
        self.slack = slack

    def run(self) -> Expected:
        settings = self.settings
        empty = {n: Partition.empty(settings) for n in range(settings.partitions)}
        expected = Expected(settings, empty)
        queues = {
            role: by_partition(self.records, settings.names.get(role, role)) for role in INPUTS
        }
        for role in INPUTS:
            events = expected.events[role] = {}
            expected.records[role] = [r for queue in queues[role].values() for r in queue]
            for number, queue in queues[role].items():
                expected.counted[role, number] = len(queue)
                events[number] = self.valid(queue, role, expected)
        for number, partition in expected.partitions.items():
            for step in self.order(number, queues[CLICKS].get(number, []), expected):
                if step.event.record.position not in self.failing:
                    partition.take_merged(step)
            for event in expected.events[USER_EVENTS].get(number, []):
                if event.record.position not in self.failing:
                    partition.take_user_event(event)
        return expected

    def valid(self, queue: list[Record], role: str, expected: Expected) -> list[Event]:
        """The queue's events; the rest is noted as dead."""
        events = []
        for record in queue:
            outcome = validate(record, role, self.settings)
            if isinstance(outcome, Event):
                events.append(outcome)
                if record.position in self.failing:
                    reason = self.failing[record.position]
                    expected.dead[record.position] = Rejected(record, (reason,))
            else:
                expected.dead[record.position] = outcome
        return events

    def order(self, number: int, clicks: list[Record], expected: Expected) -> list[Step]:
        queues = Queues(
            expected.events[CLICKS].get(number, []),
            expected.events[PURCHASES].get(number, []),
            clicks,
        )
        if self.chosen is None:
            return ready_order(queues, self.settings)
        replay = Replay(queues, self.chosen.get(number, {}), self.settings, self.slack)
        steps = replay.order()
        expected.differences += replay.differences
        return steps
