"""User events through every computation over them: counts, averages, sessions, totals."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

from benchmarks import kafka
from benchmarks.backlog import Program, watch
from benchmarks.generate import Dataset, Keyed, even_user_events, user_event_records
from benchmarks.measure import RunFailedError, Usage

HOT_EVENTS = 100_000
"""Of one user in 10 minutes, and of as many users with one each."""

Show = Callable[[str], None]


class Load(NamedTuple):
    """A topic of user events: how many lie in each partition."""

    topic: str
    counts: dict[int, int]

    @property
    def events(self) -> int:
        """All of them."""
        return sum(self.counts.values())


@dataclass(frozen=True)
class UsersResult:
    """The figures of one run; `changelog_bytes` per event, 0 where it was not looked at."""

    name: str
    events: int
    usage: Usage
    complete: bool
    steady: float
    note: str = ""
    changelog_records: float = 0.0
    changelog_bytes: float = 0.0

    @property
    def per_cpu_second(self) -> float:
        """Return committed events per second of CPU time."""
        return self.events / self.usage.cpu_s

    @property
    def per_second(self) -> float:
        """Return committed events per second of wall time."""
        return self.events / self.usage.wall_s


async def load_users(
    broker: str, topic: str, records: Iterator[Keyed], partitions: int, show: Show
) -> Load:
    """Create a topic of user events and fill it."""
    await kafka.create_topics(broker, [topic], partitions, kafka.INPUT_CONFIGS)
    counts = await kafka.load(broker, topic, records, lambda n: show(f"loading {topic}: {n:,}"))
    return Load(topic, {number: counts.get(number, 0) for number in range(partitions)})


def loads(data: Dataset) -> dict[str, Callable[[], Iterator[Keyed]]]:
    """The three loads by their names; the ordinary one has `data.shape.user_events`."""
    few = max(data.shape.user_events * HOT_EVENTS // 1_200_000, 1000)
    partitions = data.shape.partitions
    return {
        "usual": lambda: user_event_records(data),
        "hot": lambda: even_user_events(few, 1, partitions),
        "cold": lambda: even_user_events(few, few, partitions),
    }


async def run_users(
    broker: str,
    program: Program,
    load: Load,
    show: Show,
    changelog: str | None = None,
) -> UsersResult:
    """Run `program` until its group has committed the load, or to its time limit.

    `changelog`: a topic whose volume is to be measured afterwards. Raises RunFailedError.
    """
    ends = kafka.ends_of(load.topic, load.counts)
    events, usage, steady = await watch(broker, program, ends, show)
    if not events:
        raise RunFailedError(f"{program.name} committed nothing")
    records = size = 0
    if changelog is not None:
        async for batch in kafka.read_committed(broker, changelog):
            records += len(batch)
            size += sum(len(r.key or b"") + len(r.value or b"") for r in batch)
    return UsersResult(
        program.name,
        events,
        usage,
        events == load.events,
        steady,
        program.note,
        records / events,
        size / events,
    )
