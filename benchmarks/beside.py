"""Commits beside those who read: alone, with the widest scans, with scans and live streams.

The three take turns in short phases, so that what else the machine does meets all of them alike.
"""

from __future__ import annotations

import asyncio
import json
import re
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import aiohttp

from benchmarks.asking import Commits, metrics_of
from benchmarks.measure import RunFailedError, Worker
from benchmarks.query_load import user

ROUNDS, PHASE_S = 4, 8.0
SCANS, STREAMS = 20, 200
_REBALANCES = re.compile(r"^streamjoin_rebalances_total (\S+)$", re.MULTILINE)


@dataclass(frozen=True)
class BesideResult:
    """Seconds, p95 of the commits; `events`: what the streams brought."""

    alone: float
    scanned: float
    streamed: float
    scans: int
    events: int
    rebalances: int


class Beside:
    """Measures two workers or more at `urls`, which have their load already."""

    def __init__(self, session: aiohttp.ClientSession, urls: Sequence[str], folder: Path) -> None:
        """`folder`: for the log of the streams' process."""
        self._session = session
        self._urls = urls
        self._folder = folder
        self._scans = 0
        self._events = 0

    async def measure(self, show: Callable[[str], None]) -> BesideResult:
        """Go through the phases. Raises RunFailedError where a stream ends or no commit comes."""
        kinds: dict[str, Callable[[], Awaitable[None]]] = {
            "alone": partial(asyncio.sleep, PHASE_S),
            "scanned": self._scan,
            "streamed": self._scan_and_stream,
        }
        took = dict.fromkeys(kinds, Commits([]))
        before = _rebalances(await self._metrics())
        for number in range(ROUNDS):
            show(f"commits beside readers, round {number + 1} of {ROUNDS}")
            for kind, work in kinds.items():
                took[kind] += await self._commits_during(work)
        p95 = {kind: commits.quantile(0.95) for kind, commits in took.items()}
        rebalances = _rebalances(await self._metrics()) - before
        return BesideResult(
            **p95, scans=self._scans, events=self._events, rebalances=int(rebalances)
        )

    async def _commits_during(self, work: Callable[[], Awaitable[None]]) -> Commits:
        before = Commits(await self._metrics())
        await work()
        return Commits(await self._metrics()).since(before)

    async def _metrics(self) -> list[str]:
        return await metrics_of(self._session, self._urls)

    async def _scan(self) -> None:
        """Have so many clients read the whole week again and again."""
        until = time.monotonic() + PHASE_S

        async def client(url: str) -> None:
            while time.monotonic() < until:
                async with self._session.get(f"{url}/v1/revenue?limit=1000") as answer:
                    await answer.read()
                    self._scans += answer.status == 200

        await asyncio.gather(*(client(self._urls[n % len(self._urls)]) for n in range(SCANS)))

    async def _scan_and_stream(self) -> None:
        log = self._folder / "watchers.log"
        argv = [sys.executable, "-m", "benchmarks.watchers", str(STREAMS), user(1), *self._urls]
        watchers = Worker(argv, {}, log)
        try:
            await self._scan()
        finally:
            await watchers.stop()
        try:
            said: dict[str, Any] = json.loads(watchers.tail())
        except json.JSONDecodeError:
            raise RunFailedError(f"the streams failed:\n{watchers.tail()}") from None
        if said["ended"]:
            raise RunFailedError(f"{said['ended']} of {STREAMS} streams ended early")
        self._events += said["events"]


def _rebalances(texts: Sequence[str]) -> float:
    return sum(float(count) for text in texts for count in _REBALANCES.findall(text))
