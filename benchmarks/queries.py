"""Queries: how long one takes on the owner and forwarded, under load, and how many come without.

Two workers, 4 partitions. Under 10,000 events/s one of them is asked 100 times a second about users
of its own and of the other one; then, with the load going on, come the readers of `beside.py`: 20
clients that read a whole week of revenue again and again, and 200 live streams. The load is ended
for the queries per second: 16 connections ask one worker about its own users. The client has the
machine in common with workers and broker.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import NamedTuple

import aiohttp
from aiokafka import AIOKafkaProducer

from app.broker.ports import free_port
from benchmarks.asking import Timed, metrics_of, throughput
from benchmarks.beside import SCANS, STREAMS, Beside, BesideResult
from benchmarks.generate import partition_of
from benchmarks.latency import PARTITIONS, Percentiles, percentiles
from benchmarks.measure import RunFailedError, Worker
from benchmarks.query_load import places, start_load, user
from benchmarks.worker import Deployment
from models.topics import PURCHASES

RATE, QUERIES_PER_S = 10_000, 100
WARM_UP_S, ASKED_S, ALONE_S = 8.0, 20.0, 8.0
CONNECTIONS = 16
WEEK_WINDOWS = 1_980
VIEWS = ("totals", "recent-clicks", "event-counts", "moving-average", "sessions")
OWNER, FORWARDED = "owner", "forwarded"
_READY_S, _SETTLED_S = 90.0, 60.0


@dataclass(frozen=True)
class QueriesResult:
    """Seconds, and answers per second; `lag`: records not committed when the load ended."""

    rate: int
    owner: Percentiles
    forwarded: Percentiles
    per_second: float
    forwarded_per_second: float
    beside: BesideResult
    lag: int


async def run_queries(deployment: Deployment, show: Callable[[str], None]) -> QueriesResult:
    """Start two workers and the load, and measure."""
    await deployment.create_topics(PARTITIONS)
    await _fill_week(deployment)
    folder = deployment.folder / deployment.app_id
    members = [replace(deployment, web_port=free_port(), folder=folder / str(n)) for n in range(2)]
    for member in members:
        member.folder.mkdir(parents=True)
    workers = [member.start() for member in members]
    try:
        timeout = aiohttp.ClientTimeout(total=30)
        async with aiohttp.ClientSession(timeout=timeout) as session:
            run = _Run(deployment, members, workers, session, show)
            return await run.measure()
    finally:
        await asyncio.gather(*(worker.stop() for worker in workers))


async def _fill_week(deployment: Deployment) -> None:
    """Send a purchase for each window of nearly a week before now."""
    topic, now = deployment.name(PURCHASES), time.time()
    async with AIOKafkaProducer(bootstrap_servers=deployment.broker, acks="all") as producer:
        for window in range(WEEK_WINDOWS, 0, -1):
            name, at = user(window), now - 300 * window
            fields = f'"product_id":"p","amount":1.25,"timestamp":{at:.3f}'
            value = f'{{"user_id":"{name}",{fields}}}'.encode()
            await producer.send(topic, value, key=name.encode())


class _Loaded(NamedTuple):
    timed: Timed
    beside: BesideResult
    lag: int


class _Run:
    def __init__(
        self,
        deployment: Deployment,
        members: list[Deployment],
        workers: list[Worker],
        session: aiohttp.ClientSession,
        show: Callable[[str], None],
    ) -> None:
        self._deployment, self._members, self._workers = deployment, members, workers
        self._session, self._show = session, show
        self._urls = [member.url for member in members]

    async def measure(self) -> QueriesResult:
        """Go through the phases."""
        paths = await self._paths()
        loaded = await self._with_load(paths)
        await self._workers[0].until(self._settled, _READY_S + _SETTLED_S + 120)
        self._show(f"{self._deployment.app_id}: queries without load")
        port, timed = self._members[0].web_port, loaded.timed
        return QueriesResult(
            rate=RATE,
            owner=percentiles(timed.seconds.get(OWNER, []), timed.refused.get(OWNER, 0)),
            forwarded=percentiles(
                timed.seconds.get(FORWARDED, []), timed.refused.get(FORWARDED, 0)
            ),
            per_second=await throughput(port, paths[OWNER], CONNECTIONS, ALONE_S),
            forwarded_per_second=await throughput(port, paths[FORWARDED], CONNECTIONS, ALONE_S),
            beside=loaded.beside,
            lag=loaded.lag,
        )

    async def _with_load(self, paths: dict[str, list[str]]) -> _Loaded:
        load = start_load(self._deployment, RATE)
        url = self._urls[0]
        urls = {kind: [url + path for path in of_kind] for kind, of_kind in paths.items()}
        timed = Timed(self._session)
        beside = Beside(self._session, self._urls, self._deployment.folder)
        try:
            self._show(f"{self._deployment.app_id}: {RATE:,} events/s")
            await asyncio.sleep(WARM_UP_S)
            await timed.ask_for(ASKED_S, QUERIES_PER_S, urls)
            found = await beside.measure(self._show)
            if not load.running():
                raise RunFailedError(f"the load ended early:\n{load.tail()}")
            return _Loaded(timed, found, await self._lag())
        finally:
            await load.stop()

    async def _paths(self) -> dict[str, list[str]]:
        """Wait until each worker has its share; the paths by who owns their users."""
        owned: set[int] = set()

        async def shared() -> bool:
            bodies = [await self._json(f"{url}/readyz") for url in self._urls]
            shares = [body.get("assigned") or [] for body in bodies if body.get("ready")]
            owned.clear()
            owned.update(*shares[:1])
            return len(shares) == 2 and {len(share) for share in shares} == {PARTITIONS // 2}

        await self._workers[0].until(shared, _READY_S)
        found: dict[str, list[str]] = {OWNER: [], FORWARDED: []}
        for number, (key, partition) in enumerate(places()):
            assert partition == partition_of(key, PARTITIONS)
            path = f"/v1/users/{key.decode()}/{VIEWS[number % len(VIEWS)]}"
            found[OWNER if partition in owned else FORWARDED].append(path)
        return found

    async def _json(self, url: str) -> dict[str, list[int]]:
        try:
            async with self._session.get(url) as answer:
                found: dict[str, list[int]] = await answer.json(content_type=None)
                return found
        except aiohttp.ClientError:
            return {}

    async def _lag(self) -> int:
        texts = await metrics_of(self._session, self._urls)
        lines = [line for text in texts for line in text.splitlines()]
        lags = [line for line in lines if line.startswith("streamjoin_lag_records{")]
        return sum(int(float(line.rpartition(" ")[2])) for line in lags)

    async def _settled(self) -> bool:
        return await self._lag() == 0


def query_goals(found: QueriesResult | None) -> list[tuple[str, ...]]:
    """Put the measured figures beside the goals."""
    if found is None:
        return []
    beside = found.beside
    load = f"{found.rate:,} events/s (lag at its end {found.lag:,} records)"
    return [
        (f"point query on the owner, p99, under {load}", "50 ms", "20 ms", _took(found.owner)),
        ("the same, forwarded", "100 ms", "40 ms", _took(found.forwarded)),
        (
            "point queries per second and worker, without load",
            "2,000",
            "5,000",
            f"{found.per_second:,.0f} (forwarded: {found.forwarded_per_second:,.0f})",
        ),
        (
            f"commit p95 with {SCANS} of the widest scans at once",
            "1.2 x",
            "",
            f"{beside.scanned / beside.alone:.2f} x "
            f"({beside.alone * 1000:.0f} ms without; {beside.scans} scans)",
        ),
        (
            f"the same with {STREAMS} live streams as well",
            "1.2 x, no rebalance",
            "",
            f"{beside.streamed / beside.alone:.2f} x, {beside.rebalances} rebalances "
            f"({beside.events:,} events sent)",
        ),
    ]


def _took(found: Percentiles) -> str:
    refused = f", {found.missing} not answered" if found.missing else ""
    return (
        f"{found.p99 * 1000:.0f} ms (p50 {found.p50 * 1000:.1f} ms, {found.count} samples{refused})"
    )
