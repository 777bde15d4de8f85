"""`python -m benchmarks.compression`: what each `compression` costs and saves, in one run.

One broker, the same backlog of clicks, purchases and user events for each codec, in turns that
change their order, so that a machine that becomes slower hits all alike. Printed are the CPU per
event, as a ratio to `none` of the same round, and the bytes of outputs, partial sums and changelog
as the broker holds them, which is as they were sent.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from aiokafka import TopicPartition

from app.broker import EmbeddedBroker
from app.broker.ports import free_port
from app.factory import changelog_topic
from app.settings import load_settings
from benchmarks import kafka
from benchmarks.backlog import Program, watch
from benchmarks.generate import Dataset, Shape, generate, user_event_records
from benchmarks.measure import RunFailedError
from benchmarks.worker import Deployment
from models.topics import Direction

CODECS = ("none", "snappy", "lz4", "zstd", "gzip")


@dataclass(frozen=True)
class Run:
    """One run: microseconds of CPU and bytes on the wire an event."""

    codec: str
    cpu_us: float
    bytes: float


async def load(broker: str, data: Dataset) -> kafka.Ends:
    """Fill the three inputs; where they end."""
    ends: dict[TopicPartition, int] = {}
    records = {
        "clicks": data.click_records(),
        "purchases": data.purchase_records(),
        "user-events": user_event_records(data),
    }
    partitions = data.shape.partitions
    await kafka.create_topics(broker, list(records), partitions, kafka.INPUT_CONFIGS)
    for topic, found in records.items():
        counts = await kafka.load(broker, topic, found, lambda _: None)
        ends |= kafka.ends_of(topic, {n: counts.get(n, 0) for n in range(partitions)})
    return ends


async def measure(
    broker: EmbeddedBroker, bootstrap: str, work: Path, number: int, codec: str, ends: kafka.Ends
) -> Run:
    """Have a worker of its own group take the backlog. Raises RunFailedError."""
    settings = {"compression": codec}
    deployment = Deployment(f"b{number}", bootstrap, work, free_port(), settings=settings)
    await deployment.create_topics(len({place.partition for place in ends}))
    program = Program(codec, deployment.start, deployment.app_id, limit_s=300.0)
    events, usage, _ = await watch(bootstrap, program, ends, lambda _: None)
    if events != sum(ends.values()):
        raise RunFailedError(f"{codec}: {events} of {sum(ends.values())} events in time")
    names = deployment.catalogue().names(Direction.OUTPUT, Direction.INTERNAL)
    size = held(
        broker.folder / "data", [*names, changelog_topic(load_settings(app_id=program.group))]
    )
    return Run(codec, usage.cpu_s / events * 1e6, size / events)


def held(folder: Path, topics: list[str]) -> int:
    """Give the bytes of these topics' segments."""
    return sum(
        segment.stat().st_size
        for topic in topics
        for place in folder.glob(f"{topic}-[0-9]*")
        for segment in place.glob("*.log")
    )


async def run(broker: EmbeddedBroker, bootstrap: str, work: Path, events: int, rounds: int) -> None:
    """Measure all codecs in turns, and print the table."""
    data = generate(Shape.of(events))
    ends = await load(bootstrap, data)
    found: list[list[Run]] = []
    for turn in range(rounds):
        order = [*CODECS[turn % len(CODECS) :], *CODECS[: turn % len(CODECS)]]
        runs: list[Run] = []
        for codec in order:
            number = turn * len(CODECS) + len(runs)
            runs.append(await measure(broker, bootstrap, work, number, codec, ends))
            print(f"round {turn}: {runs[-1]}", file=sys.stderr, flush=True)
        found.append(runs)
    print("| codec | CPU, ratio to `none` (each round) | bytes an event | ratio |")
    print("|---|---|---|---|")
    for codec in CODECS:
        own = [next(run for run in runs if run.codec == codec) for runs in found]
        plain = [next(run for run in runs if run.codec == "none") for runs in found]
        ratios = [a.cpu_us / b.cpu_us for a, b in zip(own, plain, strict=True)]
        size, base = statistics.mean(r.bytes for r in own), statistics.mean(r.bytes for r in plain)
        each = ", ".join(f"{ratio:.2f}" for ratio in ratios)
        middle = statistics.median(ratios)
        print(f"| `{codec}` | {middle:.2f} ({each}) | {size:,.0f} | {size / base:.2f} |")


def main() -> int:
    """Start a broker, run, stop it."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.compression")
    parser.add_argument("--events", type=int, default=120_000, help="and as many user events")
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="streamjoin-compression-") as folder:
        broker = EmbeddedBroker(Path(folder) / "broker")
        try:
            bootstrap = broker.start().bootstrap
            asyncio.run(run(broker, bootstrap, Path(folder), given.events, given.rounds))
        finally:
            broker.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
