"""Measures what one silent or dead broker of three costs: seconds without a commit, until ready.

`python -m benchmarks.broker_faults` runs two workers under a small steady load on three real
brokers (replication 3, min ISR 2, Kafka's own time-outs), stops each broker in turn for a minute,
then kills one, and prints a table; `--raw FILE` keeps what was seen as JSON.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import itertools
import json
import re
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import NamedTuple

import aiohttp
import msgspec
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from app.cluster import Cluster
from app.topics_admin import create_topics
from tests.support.service import Service, keyed
from tests.support.three_brokers import NODES, ThreeBrokers
from tests.support.topics import until
from tests.support.worker import Worker

PARTITIONS, WORKERS = 6, 2
_LOOK_S, _SEND_S, _REST_S, _START_S = 0.2, 0.1, 30.0, 240.0
_COMMITS = re.compile(r'^streamjoin_commits_total\{partition="(\d+)"\} (\S+)$', re.MULTILINE)


class Look(NamedTuple):
    """What was seen at `at` (s, from the start): commits by partition, workers that are ready."""

    at: float
    commits: dict[int, float]
    ready: int


class Fault(msgspec.Struct):
    """One fault, and what it cost, in seconds; `back_...`: after the broker's return.

    `gap`: the longest without a commit in any partition; `written`: without an input record
    acknowledged; `ready`: until all workers were ready again.
    """

    kind: str
    node: int
    began: float
    ended: float
    gap: float
    written: float
    ready: float
    back_gap: float
    back_ready: float


class Result(msgspec.Struct):
    """The run: faults, all looks, and how many workers had ended by then."""

    faults: list[Fault]
    exits: int
    looks: list[Look]
    acknowledged: list[tuple[float, int]]


class Scene:
    """The workers, what writes to them, and what has been seen of them."""

    def __init__(self, brokers: ThreeBrokers, service: Service, workers: list[Worker]) -> None:
        """Look at them from now on, in `watched`."""
        self.brokers, self.workers, self._service = brokers, workers, service
        self.looks: list[Look] = []
        self.acknowledged: list[tuple[float, int]] = []
        self._began = time.monotonic()

    def now(self) -> float:
        """Seconds since the start, to the millisecond."""
        return round(time.monotonic() - self._began, 3)

    @contextlib.asynccontextmanager
    async def watched(self) -> AsyncIterator[None]:
        """Write and look for the length of the block."""
        cluster = Cluster.of(self.brokers.bootstrap)
        timeout = aiohttp.ClientTimeout(total=1.0)
        async with (
            aiohttp.ClientSession(timeout=timeout) as session,
            AIOKafkaProducer(**cluster.arguments(), acks="all", enable_idempotence=True) as client,
        ):
            tasks = [asyncio.create_task(self._watch(session))]
            tasks += [asyncio.create_task(self._write(client, p)) for p in range(PARTITIONS)]
            try:
                yield
            finally:
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)

    async def _write(self, client: AIOKafkaProducer, partition: int) -> None:
        users = (f"u{number}" for number in range(10_000))
        user = next(u for u in users if keyed("clicks", u, "", PARTITIONS)[1] == partition)
        while True:
            value = {"user_id": user, "page": "/", "timestamp": time.time()}
            with contextlib.suppress(KafkaError):
                await client.send_and_wait(
                    self._service.names["clicks"],
                    json.dumps(value).encode(),
                    user.encode(),
                    partition,
                )
                self.acknowledged.append((self.now(), partition))
            await asyncio.sleep(_SEND_S)

    async def _watch(self, session: aiohttp.ClientSession) -> None:
        while True:
            seen = await asyncio.gather(*(look_at(worker, session) for worker in self.workers))
            commits = {n: sum(found.get(n, 0.0) for found, _ in seen) for n in range(PARTITIONS)}
            self.looks.append(Look(self.now(), commits, sum(ready for _, ready in seen)))
            await asyncio.sleep(_LOOK_S)

    async def steady(self) -> None:
        """Wait until all workers are ready and each partition has just committed."""

        async def is_steady() -> bool:
            now = self.now()
            last = self.looks[-1:]
            ready = bool(last) and last[0].ready == WORKERS
            return ready and self.gap(now - 3, now) < 3

        await until(is_steady, _START_S, "steady")

    def gap(self, start: float, end: float) -> float:
        """The longest time without a commit in any partition, between two moments."""
        moved = [
            (after.at, number)
            for before, after in itertools.pairwise(self.looks)
            for number in range(PARTITIONS)
            if after.commits[number] > before.commits[number]
        ]
        return longest(moved, start, end)

    def unready(self, start: float, end: float) -> float:
        """How long after the start the last look was that found a worker that is not ready."""
        late = [at for at, _, ready in self.looks if start <= at <= end and ready < WORKERS]
        return max(late, default=start) - start


def longest(moments: list[tuple[float, int]], start: float, end: float) -> float:
    """The longest time between two moments of a partition, in this span, its ends included."""
    found = 0.0
    for number in range(PARTITIONS):
        own = [at for at, partition in moments if partition == number and start <= at <= end]
        edges = [start, *own, end]
        found = max(found, *(b - a for a, b in itertools.pairwise(edges)))
    return found


async def look_at(worker: Worker, session: aiohttp.ClientSession) -> tuple[dict[int, float], bool]:
    """Give a worker's commits by partition, and whether it is ready."""
    with contextlib.suppress(aiohttp.ClientError, TimeoutError):
        async with session.get(f"{worker.url}/metrics") as answer:
            found = {int(n): float(c) for n, c in _COMMITS.findall(await answer.text())}
        async with session.get(f"{worker.url}/readyz") as answer:
            return found, answer.status == 200
    return {}, False


async def one_fault(scene: Scene, kind: str, node: int, seconds: float) -> Fault:
    """Have a broker away for so long; look until half a minute after its return."""
    await scene.steady()
    began = scene.now()
    hurt = scene.brokers.pause if kind == "SIGSTOP" else scene.brokers.kill
    await asyncio.to_thread(hurt, node)
    await asyncio.sleep(seconds)
    back = scene.now()
    mend = scene.brokers.resume if kind == "SIGSTOP" else scene.brokers.start
    await asyncio.to_thread(mend, node)
    await asyncio.sleep(_REST_S)
    end = scene.now()
    written = longest(scene.acknowledged, began, back)
    away = scene.gap(began, back), written, scene.unready(began, back)
    found = (began, back, *away, scene.gap(back, end), scene.unready(back, end))
    return Fault(kind, node, *(round(value, 1) for value in found))


async def run(options: argparse.Namespace, folder: Path, brokers: ThreeBrokers) -> Result:
    """Start the workers, and do one fault after the other."""
    settings = dict(pair.split("=", 1) for pair in options.set)
    service = Service(brokers.bootstrap, PARTITIONS, settings)
    await create_topics(brokers.bootstrap, service.catalogue, PARTITIONS, len(NODES))
    with contextlib.ExitStack() as stack:
        made = [service.worker(folder / f"worker-{number}") for number in range(WORKERS)]
        workers = [stack.enter_context(worker) for worker in made]
        scene = Scene(brokers, service, workers)
        faults: list[Fault] = []
        plan = [("SIGSTOP", node) for node in options.stop] + [("kill -9", n) for n in options.kill]
        async with scene.watched():
            for kind, node in plan:
                faults.append(await one_fault(scene, kind, node, options.seconds))
                print(row(faults[-1]), flush=True)
            await scene.steady()
        exits = sum(worker.process.poll() is not None for worker in workers)
        for number, worker in enumerate(workers if options.logs else ()):
            (options.logs / f"worker-{number}.log").write_text(worker.text)
    return Result(faults, exits, scene.looks, scene.acknowledged)


def row(fault: Fault) -> str:
    """One line of the table."""
    return (
        f"| {fault.kind} of {fault.node} | {fault.gap:.1f} | {fault.written:.1f} "
        f"| {fault.ready:.1f} | {fault.back_gap:.1f} | {fault.back_ready:.1f} |"
    )


def main() -> int:
    """Run; 1 when a worker has ended."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.broker_faults", description=__doc__)
    parser.add_argument("--stop", type=int, nargs="*", default=list(NODES), help="brokers to stop")
    parser.add_argument("--kill", type=int, nargs="*", default=[2], help="brokers to kill")
    parser.add_argument("--seconds", type=float, default=60.0, help="how long each is away")
    parser.add_argument("--set", nargs="*", default=[], help="settings of the workers, NAME=VALUE")
    parser.add_argument("--raw", type=Path, help="where to write what was seen, as JSON")
    parser.add_argument("--logs", type=Path, help="folder for the workers' logs")
    options = parser.parse_args()
    print("| fault | s without a commit | without input | until ready | back: commit | ready |")
    print("|---|---|---|---|---|---|", flush=True)
    with (
        tempfile.TemporaryDirectory(prefix="streamjoin-faults-") as folder,
        ThreeBrokers(Path(folder)) as brokers,
    ):
        result = asyncio.run(run(options, Path(folder), brokers))
    print(f"{result.exits} workers ended")
    if options.raw:
        options.raw.write_bytes(msgspec.json.encode(result))
    return 1 if result.exits else 0


if __name__ == "__main__":
    sys.exit(main())
