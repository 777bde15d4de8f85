"""Runs a program on the full backlog and measures speed, memory and the share of right joins."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import msgspec

from benchmarks.generate import Dataset
from benchmarks.joins import Enriched, Verdict, compare, expected_joins
from benchmarks.kafka import Ends, admin, committed, ends_of, read_committed
from benchmarks.measure import Measured, RunFailedError, Usage


@dataclass(frozen=True)
class Program:
    """What is run, the group whose offsets tell its progress, and its topics."""

    name: str
    start: Callable[[], Measured]
    group: str
    clicks: str = "clicks"
    purchases: str = "purchases"
    enriched: str = "enriched-purchases"
    limit_s: float = 120.0
    note: str = ""


@dataclass(frozen=True)
class Result:
    """The figures of one run; `complete` is false when it was ended at its time limit."""

    name: str
    events: int
    usage: Usage
    joins: Verdict
    complete: bool
    note: str = ""
    steady: float = 0.0
    """Events per CPU-second from the first commit that was seen on; 0 where that was the last."""

    @property
    def per_cpu_second(self) -> float:
        """Return committed events per second of CPU time."""
        return self.events / self.usage.cpu_s

    @property
    def per_second(self) -> float:
        """Return committed events per second of wall time."""
        return self.events / self.usage.wall_s


@dataclass(frozen=True)
class ShopResult:
    """What the run used, and how it differs from the model (no difference: equal)."""

    events: int
    usage: Usage
    differences: list[str]
    outputs: int
    answers: int


async def run_backlog(
    broker: str, program: Program, data: Dataset, show: Callable[[str], None]
) -> Result:
    """Run `program` until its group has committed all of `data`, or to its time limit.

    Raises RunFailedError when it ends by itself or commits nothing at all.
    """
    ends = {
        **ends_of(program.clicks, data.ends(data.clicks)),
        **ends_of(program.purchases, data.ends(data.purchases)),
    }
    events, usage, steady = await watch(broker, program, ends, show)
    if not events:
        raise RunFailedError(f"{program.name} committed nothing")
    decode = msgspec.json.Decoder(Enriched).decode
    outputs = [
        decode(record.value)
        async for records in read_committed(broker, program.enriched)
        for record in records
    ]
    joins = compare(expected_joins(data), outputs)
    complete = events == sum(ends.values())
    return Result(program.name, events, usage, joins, complete, program.note, steady)


async def watch(
    broker: str, program: Program, ends: Ends, show: Callable[[str], None]
) -> tuple[int, Usage, float]:
    """Return the events committed, the usage, and the speed from the first commit on."""
    total = sum(ends.values())
    marks: list[tuple[int, float]] = []
    async with admin(broker) as client:
        worker = program.start()

        async def finished() -> bool:
            seen = await committed(client, program.group, ends)
            if seen and (not marks or seen > marks[-1][0]):
                marks.append((seen, worker.cpu_s()))
            show(f"{program.name}: {seen:,} of {total:,}")
            return seen >= total

        try:
            wall_s = await worker.until(finished, program.limit_s)
        except RunFailedError:
            if not worker.running():
                raise
            wall_s = program.limit_s
        finally:
            await worker.stop()
    usage = await worker.stop(wall_s)
    return marks[-1][0] if marks else 0, usage, steady_speed(marks)


def steady_speed(marks: Sequence[tuple[int, float]]) -> float:
    """Return events per CPU-second between the first and the last (events, CPU s) mark."""
    if not marks or marks[-1][1] <= marks[0][1]:
        return 0.0
    (first, before), (last, after) = marks[0], marks[-1]
    return (last - first) / (after - before)
