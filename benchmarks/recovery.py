"""Measures how fast a worker is ready: state rebuilt from its changelog, or found in its folder.

`python -m benchmarks.recovery --megabytes 1000` is part 2's case of a gigabyte of state. With
`--clicks 1` that state is of as many users as it can be, and most of the indexes by time.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import sys
import tempfile
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import aiohttp
import msgspec

from app.broker import EmbeddedBroker
from app.broker.ports import free_port
from benchmarks.filled import CLICKS, Filled, fill
from benchmarks.filled_views import ask_known
from benchmarks.recovery_watch import Recovered, watch
from benchmarks.worker import Deployment

PARTITIONS, MEGABYTES = 4, 200
READY_S = 600.0


class Recovery(msgspec.Struct):
    """One run: the worker with no folder, with its own, and with its own after `kill -9`."""

    state: Filled
    store_megabytes: float
    rebuilt: Recovered
    restarted: Recovered
    killed: Recovered


async def run_recovery(
    deployment: Deployment, partitions: int, megabytes: int, clicks: int
) -> Recovery:
    """Run all three. Raises RunFailedError when a worker fails or answers wrongly."""
    await deployment.create_topics(partitions)
    state = await fill(deployment, partitions, megabytes, clicks)
    ask = partial(ask_known, state)
    async with aiohttp.ClientSession() as session:
        rebuilt = await watch(deployment, session, READY_S, ask)
        tables = (deployment.folder / deployment.app_id).rglob("*.sst")
        stored = sum(path.stat().st_size for path in tables) / 1e6
        restarted = await watch(deployment, session, READY_S, ask, kill=True)
        killed = await watch(deployment, session, READY_S, ask)
    return Recovery(state, stored, rebuilt, restarted, killed)


def text(found: Recovery) -> str:
    """Say it in a few lines."""
    state, rebuilt = found.state, found.rebuilt
    return (
        f"State of {state.megabytes:.0f} MB in {state.rows:,} rows ({found.store_megabytes:.0f} MB "
        f"on disk) of {state.users:,} users; {rebuilt.records:,} records in the changelog.\n"
        f"Rebuilt from the changelog: {rebuilt.records / rebuilt.seconds:,.0f} records/s, "
        f"{rebuilt.megabytes / rebuilt.seconds:.0f} MB/s, {_start(rebuilt)}\n"
        f"Restarted on its own folder: {_start(found.restarted)}\n"
        f"The same after kill -9: {_start(found.killed)}"
    )


def _start(found: Recovered) -> str:
    return (
        f"{found.seconds:.2f} s from joining to ready ({found.from_start_s:.2f} s from the start), "
        f"{found.records:,} records read, {found.cpu_s:.1f} CPU s, peak {found.peak_mb:.0f} MB; "
        f"slowest answer of /livez {found.slowest_s:.3f} s, of a view {found.view_s:.3f} s."
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
    parser.add_argument("--megabytes", type=int, default=MEGABYTES, help="of state")
    parser.add_argument("--clicks", type=int, default=CLICKS, help="of each user")
    parser.add_argument("--partitions", type=int, default=PARTITIONS)
    parser.add_argument("--json", action="store_true", help="print the raw result too")
    given = parser.parse_args()
    with own_deployment("recovery") as deployment:
        found = asyncio.run(
            run_recovery(deployment, given.partitions, given.megabytes, given.clicks)
        )
    print(text(found))
    if given.json:
        print(msgspec.json.encode(found).decode())
    return 0


if __name__ == "__main__":
    sys.exit(main())
