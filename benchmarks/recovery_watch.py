"""Starts a worker and watches it until it is ready, and for a moment after."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import time
from collections.abc import Awaitable, Callable

import aiohttp
import msgspec

from benchmarks.worker import Deployment

_LOOK_S = 0.02
# A worker that says it is ready may still have to load what it needs for its first record.
_AFTER_S = 2.0

Ask = Callable[[Deployment, aiohttp.ClientSession], Awaitable[float]]
"""Asks a worker's views and compares the answers; the seconds that the slowest took."""


class Recovered(msgspec.Struct):
    """One start. `seconds`: from joining the group to ready; `from_start_s`: of the process.

    `records`, `megabytes`: of the changelog, applied; `cpu_s`: of the process until ready.
    `slowest_s`: answer of /livez, from joining until 2 s after ready; `view_s`: of a user's view.
    """

    seconds: float
    from_start_s: float
    records: int
    megabytes: float
    cpu_s: float
    peak_mb: float
    slowest_s: float
    view_s: float


class _Watched:
    """What has been seen so far."""

    def __init__(self, deployment: Deployment, session: aiohttp.ClientSession) -> None:
        self._url = deployment.url
        self._session = session
        self.joined = 0.0
        self.slowest = 0.0

    async def ready(self) -> bool:
        """Note when it joins, and how long it takes to answer; whether it is ready."""
        try:
            seconds = await self._lives()
            async with self._session.get(f"{self._url}/readyz") as answer:
                found, status = await answer.json(content_type=None), answer.status
        except aiohttp.ClientError:
            return False
        now = time.monotonic()
        if not self.joined and (status == 200 or (found["readiness"] or {}).get("assigned")):
            self.joined = now
        elif self.joined:
            self.slowest = max(self.slowest, seconds)
        return status == 200

    async def look_on(self) -> None:
        """Note how long it takes to answer, for a while."""
        end = time.monotonic() + _AFTER_S
        while time.monotonic() < end:
            self.slowest = max(self.slowest, await self._lives())
            await asyncio.sleep(_LOOK_S)

    async def _lives(self) -> float:
        asked = time.monotonic()
        async with self._session.get(f"{self._url}/livez") as answer:
            await answer.read()
        return time.monotonic() - asked

    async def count(self, name: str) -> float:
        """Add up a metric's partitions."""
        async with self._session.get(f"{self._url}/metrics") as answer:
            text = await answer.text()
        return sum(map(float, re.findall(rf"^{name}\{{.*\}} (\S+)$", text, re.MULTILINE)))


async def watch(
    deployment: Deployment,
    session: aiohttp.ClientSession,
    limit_s: float,
    ask: Ask,
    *,
    kill: bool = False,
) -> Recovered:
    """Start, wait until it is ready, ask it, end it with SIGTERM or `kill -9`.

    Raises RunFailedError, also where an answer is wrong.
    """
    worker, seen = deployment.start(), _Watched(deployment, session)
    try:
        while not await seen.ready():
            await worker.until(_now, limit_s)
            await asyncio.sleep(_LOOK_S)
        now, cpu = time.monotonic(), worker.cpu_s()
        view, _ = await asyncio.gather(ask(deployment, session), seen.look_on())
        records = int(await seen.count("streamjoin_restore_records_total"))
        size = await seen.count("streamjoin_restore_bytes_total") / 1e6
        if kill:
            os.kill(worker.pid, signal.SIGKILL)
    finally:
        usage = await worker.stop()
    return Recovered(
        now - seen.joined,
        now - worker.started,
        records,
        size,
        cpu,
        usage.peak_mb,
        seen.slowest,
        view,
    )


async def _now() -> bool:
    """Have `Worker.until` look whether the process runs, and return at once."""
    return True
