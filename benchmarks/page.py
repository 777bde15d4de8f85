"""Watches the live page in headless Chromium while two workers take 10,000 events a second.

What a person would notice: how often the page changes, whether it stands still meanwhile (tasks of
more than 50 ms, frames per second), whether it grows. Its reader looks up a user, so that both
streams are open. Browser, load, workers and broker have the machine in common.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import aiohttp

from app.broker.ports import free_port
from benchmarks.failover import shares
from benchmarks.latency import PARTITIONS
from benchmarks.measure import RunFailedError
from benchmarks.query_load import start_load, user
from benchmarks.recovery import own_deployment
from benchmarks.worker import Deployment
from tests.support.browser import Page, browsing, found_chromium
from tests.web.live.take_pictures import take

RATE, SECONDS, FRAMES_S, WARM_UP_S = 10_000, 30.0, 10.0, 8.0
USER = user(1)
# Beside the seconds that are watched: broker, workers, browser, pictures.
_MOST_S = 300.0
_MB = 2**20
# Counts from the page's first line on. Each event of a stream is parsed once, and no other JSON.
_COUNTING = """
globalThis.seen = { updates: 0, characters: 0, long: [] };
const parse = JSON.parse;
JSON.parse = (text, ...more) => {
  seen.updates += 1;
  seen.characters += text.length;
  return parse(text, ...more);
};
new PerformanceObserver((list) => seen.long.push(...list.getEntries().map((one) => one.duration)))
  .observe({ type: "longtask", buffered: true });
"""
_FRAMES = """new Promise((done) => {
  const began = performance.now();
  let frames = 0;
  const frame = (now) => {
    frames += 1;
    if (now - began < %d) requestAnimationFrame(frame);
    else done(frames * 1000 / (now - began));
  };
  requestAnimationFrame(frame);
})"""
# A browser fetches it when it likes, so it is not counted.
ICON = "icon.svg"
# A stream's entry comes with its end.
_WEIGHT = f"""["navigation", "resource"].flatMap((type) => performance.getEntriesByType(type))
  .filter((entry) => !entry.name.endsWith("{ICON}"))
  .reduce((sum, entry) => sum + entry.encodedBodySize, 0)"""


@dataclass(frozen=True)
class Watched:
    """What was seen of the page. Long tasks in ms: while it was opened, and from then on."""

    seconds: float
    requests: int
    weight: int
    opening: list[float]
    updates: int
    characters: int
    long_tasks: list[float]
    frames_per_s: float
    heap_before: int
    heap_after: int
    rate: str
    lag: str


async def watch_page(page: Page, address: str, seconds: float, frames_s: float) -> Watched:
    """Open it and watch it for so long; its frames are counted in the first part of that."""
    await page.send("Page.addScriptToEvaluateOnNewDocument", source=_COUNTING)
    await page.open(address)
    await page.shows("#status", "live")
    await page.until("seen.updates > 5")
    requests = sum(not url.endswith(ICON) for url in page.requested)
    weight = await page.value(_WEIGHT)
    before = await _heap(page)
    start = await page.value("seen")
    frames = await _awaited(page, _FRAMES % (frames_s * 1000))
    await asyncio.sleep(seconds - frames_s)
    end = await page.value("seen")
    return Watched(
        seconds=seconds,
        requests=requests,
        weight=weight,
        opening=start["long"],
        updates=end["updates"] - start["updates"],
        characters=end["characters"] - start["characters"],
        long_tasks=end["long"][len(start["long"]) :],
        frames_per_s=frames,
        heap_before=before,
        heap_after=await _heap(page),
        rate=await page.text("#tile-rate"),
        lag=await page.text("#tile-lag"),
    )


async def _heap(page: Page) -> int:
    """Return the bytes of JavaScript objects that are in use."""
    await page.send("HeapProfiler.collectGarbage")
    return int((await page.send("Runtime.getHeapUsage"))["usedSize"])


async def _awaited(page: Page, expression: str) -> Any:  # noqa: ANN401
    said = await page.send(
        "Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True
    )
    return said["result"]["value"]


async def run_page(
    deployment: Deployment, rate: int, seconds: float, pictures: Path | None
) -> Watched:
    """Start two workers and the load, and watch the page of the first one."""
    await deployment.create_topics(PARTITIONS)
    folder = deployment.folder
    members = [replace(deployment, web_port=free_port(), folder=folder / str(n)) for n in range(2)]
    for member in members:
        member.folder.mkdir()
    running = [member.start() for member in members]
    try:
        async with aiohttp.ClientSession() as session:
            for member, worker in zip(members, running, strict=True):
                await shares(member, worker, session)
        load = start_load(deployment, rate)
        running.insert(0, load)
        await asyncio.sleep(WARM_UP_S)
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
            async with browsing(Path(profile)) as page:
                await page.look(1280, 900)
                address = f"{members[0].url}/#user={USER}"
                found = await watch_page(page, address, seconds, min(FRAMES_S, seconds))
        if pictures is not None:
            await take(members[0].url, pictures, USER)
        if not load.running():
            raise RunFailedError(f"the load ended early:\n{load.tail()}")
        return found
    finally:
        await asyncio.gather(*(worker.stop() for worker in running))


def report(found: Watched) -> str:
    """Say it in lines."""
    kilobytes = found.characters / found.seconds / 1024
    return "\n".join(
        (
            f"opened by {found.requests} requests, {found.weight:,} bytes; "
            f"long tasks while it was opened: {_tasks(found.opening)}",
            f"in {found.seconds:.0f} s: {found.updates} updates, {kilobytes:.1f} KB of JSON/s",
            f"long tasks (more than 50 ms): {_tasks(found.long_tasks)}",
            f"frames per second: {found.frames_per_s:.1f}",
            f"JavaScript heap: {found.heap_before / _MB:.1f} MB at the start, "
            f"{found.heap_after / _MB:.1f} MB at the end",
            f"shown at the end: {found.rate} events/s, lag {found.lag} records",
        )
    )


def _tasks(durations: list[float]) -> str:
    return f"{len(durations)}, the longest {max(durations):.0f} ms" if durations else "none"


def _busy() -> str:
    return ", ".join(f"{load:.1f}" for load in os.getloadavg())


async def _bounded(given: argparse.Namespace, deployment: Deployment) -> Watched:
    async with asyncio.timeout(_MOST_S + given.seconds):
        return await run_page(deployment, given.rate, given.seconds, given.pictures)


def main() -> int:
    """Run with a broker of its own and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.page", description=__doc__)
    parser.add_argument("--rate", type=int, default=RATE, help="events a second")
    parser.add_argument("--seconds", type=float, default=SECONDS, help="how long it is watched")
    parser.add_argument("--pictures", type=Path, metavar="DIR", help="where to put pictures of it")
    given = parser.parse_args()
    if found_chromium() is None:
        print("no Chromium: apt install chromium, or name one by STREAMJOIN_CHROMIUM=PATH")
        return 1
    if given.pictures is not None:
        given.pictures.mkdir(parents=True, exist_ok=True)
    print(f"load average (1, 5, 15 min) of {os.cpu_count()} cores at the start: {_busy()}")
    with own_deployment("page", session_timeout="30s") as deployment:
        found = asyncio.run(_bounded(given, deployment))
    print(report(found))
    print(f"load average at the end: {_busy()}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
