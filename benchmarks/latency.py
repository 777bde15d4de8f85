"""Latency at 1,000 events/s without lag: from the send of a record to the view that shows it.

Clicks: a probe is the first click of a new user, visible when that user's recent clicks are not
empty. Revenue: a purchase's amount is a power of 1,000 millionths chosen by its partition, so the
sum in the view tells how many purchases of each partition it holds, and the n-th of a partition
is visible when n are. Views are asked every 20 ms, which the figures include.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import math
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal

import aiohttp
from aiokafka import AIOKafkaProducer

from benchmarks.generate import partition_of
from benchmarks.measure import RunFailedError
from benchmarks.worker import Deployment
from models.topics import CLICKS, PURCHASES

PARTITIONS = 4
RATE = 1_000
TICK_S = 0.01
POLL_S = 0.02
WARM_UP_S, MEASURED_S = 3.0, 15.0
# The load goes on until what was measured is visible: when clicks stop altogether, a purchase waits
# for `join_wait` of silence instead of for the next click, which is not what is measured here.
COOL_DOWN_S = 3.0
PROBES_PER_S = 10
USERS_PER_PARTITION = 250
VISIBLE_S = 15.0
BASE = 1_000


@dataclass(frozen=True)
class Percentiles:
    """Seconds; `count` is the number of samples, `missing` of those never seen."""

    p50: float
    p99: float
    count: int
    missing: int


@dataclass
class Samples:
    """The times of sending and of being seen (monotonic seconds)."""

    measuring: bool = False
    clicks: list[float] = field(default_factory=list)
    revenue: list[float] = field(default_factory=list)
    unseen_clicks: int = 0
    unseen_purchases: int = 0
    sent: list[deque[tuple[float, bool]]] = field(
        default_factory=lambda: [deque() for _ in range(PARTITIONS)]
    )


async def run_latency(
    deployment: Deployment, show: Callable[[str], None]
) -> dict[str, Percentiles]:
    """Start the worker, load it, and return the latencies of `clicks` and `revenue`."""
    await deployment.create_topics(PARTITIONS)
    worker = deployment.start()
    try:
        async with aiohttp.ClientSession() as session:
            await worker.until(lambda: deployment.ready(session), 60)
            show(f"{deployment.app_id}: ready, sending {RATE:,} events/s")
            samples = await _Load(deployment, session).run()
    finally:
        await worker.stop()
    return {
        "clicks": percentiles(samples.clicks, samples.unseen_clicks),
        "revenue": percentiles(samples.revenue, samples.unseen_purchases),
    }


def percentiles(latencies: list[float], missing: int) -> Percentiles:
    """Return the median and the 99th percentile (nearest rank); raises without a sample."""
    if not latencies:
        raise RunFailedError(f"nothing became visible, {missing} records were sent")
    ordered = sorted(latencies)

    def rank(share: float) -> float:
        return ordered[math.ceil(share * len(ordered)) - 1]

    return Percentiles(rank(0.5), rank(0.99), len(ordered), missing)


def counts_in(revenue: Decimal) -> list[int]:
    """Tell from a sum of amounts how many purchases of each partition are in it."""
    micros = int(revenue * 1_000_000)
    return [micros // BASE**partition % BASE for partition in range(PARTITIONS)]


class _Load:
    """The sender and the askers of one run."""

    def __init__(self, deployment: Deployment, session: aiohttp.ClientSession) -> None:
        self._clicks, self._purchases = deployment.name(CLICKS), deployment.name(PURCHASES)
        self._url, self._session = deployment.url, session
        self._producer = AIOKafkaProducer(bootstrap_servers=deployment.broker, acks="all")
        self._samples = Samples()
        self._users = users_by_partition(USERS_PER_PARTITION)
        self._probes: set[asyncio.Task[None]] = set()
        self._sent = 0
        self._finished = False

    async def run(self) -> Samples:
        """Send for the whole time, then wait until the last records are visible."""
        await self._producer.start()
        asking = asyncio.create_task(self._ask_revenue())
        try:
            await self._send_for(WARM_UP_S)
            self._samples.measuring = True
            await self._send_for(MEASURED_S)
            self._samples.measuring = False
            await self._send_for(COOL_DOWN_S)
            await asyncio.gather(*self._probes)
            self._finished = True
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(asking, VISIBLE_S)
        finally:
            asking.cancel()
            await self._producer.stop()
        left = [measured for queue in self._samples.sent for _, measured in queue]
        self._samples.unseen_purchases = sum(left)
        return self._samples

    async def _send_for(self, seconds: float) -> None:
        start, sent = time.monotonic(), 0
        while (passed := time.monotonic() - start) < seconds:
            while sent < passed * RATE:
                await self._send()
                sent += 1
            await asyncio.sleep(TICK_S)

    async def _send(self) -> None:
        self._sent += 1
        number = self._sent
        if self._samples.measuring and number % (RATE // PROBES_PER_S) == 0:
            user = f"probe-{number}"
            probe = asyncio.create_task(self._ask_clicks(user, time.monotonic()))
            self._probes.add(probe)
            await self._click(user)
        elif number % 6 == 0:
            partition = number // 6 % PARTITIONS
            user = self._users[partition][number // 24 % USERS_PER_PARTITION]
            self._samples.sent[partition].append((time.monotonic(), self._samples.measuring))
            amount = f'"product_id":"p","amount":{Decimal(BASE**partition) / 1_000_000:f}'
            await self._produce(self._purchases, user, amount)
        else:
            users = self._users[number % PARTITIONS]
            await self._click(users[number * 7 % USERS_PER_PARTITION])

    async def _click(self, user: str) -> None:
        await self._produce(self._clicks, user, '"page":"/latency"')

    async def _produce(self, topic: str, user: str, fields: str) -> None:
        value = f'{{"user_id":"{user}",{fields},"timestamp":{time.time():.3f}}}'
        await self._producer.send(topic, value.encode(), key=user.encode())

    async def _ask_clicks(self, user: str, sent: float) -> None:
        while (now := time.monotonic()) < sent + VISIBLE_S:
            answer = await self._get(f"/v1/users/{user}/recent-clicks")
            if answer and answer["clicks"]:
                self._samples.clicks.append(time.monotonic() - sent)
                return
            await asyncio.sleep(max(0.0, now + POLL_S - time.monotonic()))
        self._samples.unseen_clicks += 1

    async def _ask_revenue(self) -> None:
        seen = [0] * PARTITIONS
        while not self._finished or any(self._samples.sent):
            asked = time.monotonic()
            answer = await self._get("/v1/revenue")
            windows = answer["windows"] if answer else []
            counts = counts_in(sum((window["revenue"] for window in windows), Decimal(0)))
            now = time.monotonic()
            for partition, count in enumerate(counts):
                for _ in range(count - seen[partition]):
                    sent, measured = self._samples.sent[partition].popleft()
                    if measured:
                        self._samples.revenue.append(now - sent)
                seen[partition] = max(seen[partition], count)
            await asyncio.sleep(max(0.0, asked + POLL_S - time.monotonic()))

    async def _get(self, path: str) -> dict[str, list[dict[str, Decimal]]]:
        async with self._session.get(self._url + path) as answer:
            if answer.status != 200:
                return {}
            found: dict[str, list[dict[str, Decimal]]] = json.loads(
                await answer.text(), parse_float=Decimal
            )
            return found


def users_by_partition(count: int) -> list[list[str]]:
    """Return `count` user ids for each partition."""
    users: list[list[str]] = [[] for _ in range(PARTITIONS)]
    number = 0
    while any(len(of_partition) < count for of_partition in users):
        user = f"shopper-{number}"
        users[partition_of(user.encode(), PARTITIONS)].append(user)
        number += 1
    return [of_partition[:count] for of_partition in users]
