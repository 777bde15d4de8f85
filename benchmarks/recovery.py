"""Measures how fast a worker is ready: state rebuilt from its changelog, or found in its folder.

`python -m benchmarks.recovery --megabytes 1000` is part 2's case of a gigabyte of state.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import random
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import aiohttp
import msgspec
from aiokafka import AIOKafkaProducer

from app.broker import EmbeddedBroker
from benchmarks.recovery_watch import Recovered, watch
from benchmarks.worker import Deployment, free_port

PARTITIONS, MEGABYTES = 4, 200
READY_S = 600.0
# Of no table: such rows are stored and restored, and nobody reads them.
_PREFIX = b"\xf0"
_SMALLEST, _LARGEST = 100, 1000


class Recovery(msgspec.Struct):
    """One run: the worker with no folder, with its own, and with its own after `kill -9`."""

    records: int
    megabytes: float
    store_megabytes: float
    rebuilt: Recovered
    restarted: Recovered
    killed: Recovered


async def fill(broker: str, changelog: str, partitions: int, megabytes: int) -> tuple[int, float]:
    """Write rows of 100 to 1,000 random bytes to a changelog; how many, and their megabytes."""
    dice = random.Random(5)
    values = [dice.randbytes(dice.randint(_SMALLEST, _LARGEST)) for _ in range(4096)]
    records, size = 0, 0
    async with AIOKafkaProducer(
        bootstrap_servers=broker, enable_idempotence=True, max_batch_size=512 << 10
    ) as producer:
        for partition in range(partitions):
            batch, sent = producer.create_batch(), []
            number = 0
            while size < megabytes * 1e6 * (partition + 1) / partitions:
                key, value = b"%suser-%012d" % (_PREFIX, number), values[number % 4096]
                while batch.append(key=key, value=value, timestamp=None) is None:
                    sent.append(await producer.send_batch(batch, changelog, partition=partition))
                    batch = producer.create_batch()
                number += 1
                size += len(key) + len(value)
            sent.append(await producer.send_batch(batch, changelog, partition=partition))
            await asyncio.gather(*sent)
            records += number
    return records, size / 1e6


async def run_recovery(deployment: Deployment, partitions: int, megabytes: int) -> Recovery:
    """Run all three. Raises RunFailedError when a worker fails."""
    await deployment.create_topics(partitions)
    changelog = f"{deployment.app_id}-state-changelog"
    folder = deployment.folder / deployment.app_id
    async with aiohttp.ClientSession() as session:
        await watch(deployment, session, READY_S)  # Its first deployment: the metadata rows.
        records, size = await fill(deployment.broker, changelog, partitions, megabytes)
        shutil.rmtree(folder)
        rebuilt = await watch(deployment, session, READY_S)
        stored = sum(path.stat().st_size for path in folder.rglob("*.sst")) / 1e6
        restarted = await watch(deployment, session, READY_S, kill=True)
        killed = await watch(deployment, session, READY_S)
    return Recovery(records, size, stored, rebuilt, restarted, killed)


def text(found: Recovery) -> str:
    """Say it in a few lines."""
    rebuilt = found.rebuilt
    return (
        f"State of {found.megabytes:.0f} MB in {found.records:,} rows "
        f"({found.store_megabytes:.0f} MB on disk).\n"
        f"Rebuilt from the changelog: {rebuilt.seconds:.1f} s from joining to ready, "
        f"{rebuilt.records / rebuilt.seconds:,.0f} records/s, "
        f"{rebuilt.megabytes / rebuilt.seconds:.0f} MB/s, {rebuilt.cpu_s:.1f} CPU s, peak "
        f"{rebuilt.peak_mb:.0f} MB; slowest answer of /livez meanwhile {rebuilt.slowest_s:.3f} s.\n"
        f"Restarted on its own folder: {found.restarted.seconds:.2f} s from joining to ready, "
        f"{found.restarted.records} records read.\n"
        f"The same after kill -9: {found.killed.seconds:.2f} s, {found.killed.records} records."
    )


@contextlib.contextmanager
def own_deployment(name: str, **settings: str) -> Iterator[Deployment]:
    """Give a deployment with a broker of its own, both gone at the end."""
    with tempfile.TemporaryDirectory(prefix=f"streamjoin-{name}-") as folder:
        broker = EmbeddedBroker(Path(folder) / "broker", show_progress=True)
        try:
            bootstrap = broker.start().bootstrap
            app_id = f"{name}-{time.time_ns() % 10**6}"
            inputs = {
                topic: f"{app_id}-{topic}" for topic in ("clicks", "purchases", "user-events")
            }
            yield Deployment(app_id, bootstrap, Path(folder), free_port(), inputs, settings)
        finally:
            broker.stop()


def main() -> int:
    """Run with a broker of its own and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.recovery", description=__doc__)
    parser.add_argument("--megabytes", type=int, default=MEGABYTES, help="of rows in the changelog")
    parser.add_argument("--partitions", type=int, default=PARTITIONS)
    parser.add_argument("--json", action="store_true", help="print the raw result too")
    given = parser.parse_args()
    with own_deployment("recovery") as deployment:
        found = asyncio.run(run_recovery(deployment, given.partitions, given.megabytes))
    print(text(found))
    if given.json:
        print(msgspec.json.encode(found).decode())
    return 0


if __name__ == "__main__":
    sys.exit(main())
