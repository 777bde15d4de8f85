"""How the benchmark asks workers: timed questions, as many as a worker answers, its metrics."""

from __future__ import annotations

import asyncio
import contextlib
import re
import time
from collections.abc import Mapping, Sequence

import aiohttp

from benchmarks.measure import RunFailedError

_LENGTH = re.compile(rb"\r\ncontent-length: (\d+)\r\n", re.IGNORECASE)
_OK = b"HTTP/1.1 200"


class Timed:
    """Answers to questions that were asked at given times. `refused`: all that were not 200."""

    def __init__(self, session: aiohttp.ClientSession) -> None:
        """`session`: what asks."""
        self._session = session
        self.seconds: dict[str, list[float]] = {}
        self.refused: dict[str, int] = {}

    async def ask(self, kind: str, url: str, due: float) -> None:
        """Ask; the time counts from when the question was due, so that no delay is hidden."""
        status = 0
        with contextlib.suppress(aiohttp.ClientError, TimeoutError):
            async with self._session.get(url) as answer:
                await answer.read()
                status = answer.status
        if status == 200:
            self.seconds.setdefault(kind, []).append(time.monotonic() - due)
        else:
            self.refused[kind] = self.refused.get(kind, 0) + 1

    async def ask_for(self, seconds: float, rate: float, urls: Mapping[str, Sequence[str]]) -> None:
        """Ask `rate` questions a second, of each kind in turn, whether answers come or not."""
        began = time.monotonic()
        kinds = list(urls)
        asked: set[asyncio.Task[None]] = set()
        for number in range(int(seconds * rate)):
            due = began + number / rate
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            kind = kinds[number % len(kinds)]
            of_kind = urls[kind]
            url = of_kind[number // len(kinds) % len(of_kind)]
            asked.add(asyncio.create_task(self.ask(kind, url, due)))
        await asyncio.gather(*asked)


async def throughput(port: int, paths: Sequence[str], connections: int, seconds: float) -> float:
    """Return answers a second of the worker at `port`, each connection asking without a pause.

    Raises RunFailedError where an answer is not 200. The client reads no more than it must, so
    that it is the worker that is measured.
    """
    until = time.monotonic() + seconds
    asked = [_connection(port, paths, number, until) for number in range(connections)]
    began = time.monotonic()
    answers = sum(await asyncio.gather(*asked))
    return answers / (time.monotonic() - began)


async def _connection(port: int, paths: Sequence[str], first: int, until: float) -> int:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    requests = [f"GET {path} HTTP/1.1\r\nHost: bench\r\n\r\n".encode() for path in paths]
    answers = 0
    try:
        while time.monotonic() < until:
            writer.write(requests[(first * 37 + answers) % len(requests)])
            head = await reader.readuntil(b"\r\n\r\n")
            length = _LENGTH.search(head)
            if length is None or not head.startswith(_OK):
                raise RunFailedError(f"a query was answered with {head[:60]!r}")
            await reader.readexactly(int(length[1]))
            answers += 1
    finally:
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()
    return answers


async def metrics_of(session: aiohttp.ClientSession, urls: Sequence[str]) -> list[str]:
    """Return what `/metrics` of each of these workers says."""
    texts = []
    for url in urls:
        async with session.get(f"{url}/metrics") as answer:
            texts.append(await answer.text())
    return texts


class Commits:
    """The histogram of commit durations, as `/metrics` of several workers have it."""

    def __init__(self, texts: Sequence[str]) -> None:
        """`texts`: one worker's metrics each."""
        self._counts: dict[float, float] = {}
        for text in texts:
            for bound, count in re.findall(
                r'^streamjoin_commit_seconds_bucket\{le="([^"]+)"\} (\S+)$', text, re.MULTILINE
            ):
                edge = float(bound)
                self._counts[edge] = self._counts.get(edge, 0.0) + float(count)

    def since(self, earlier: Commits) -> Commits:
        """Return those that came after `earlier`."""
        return self._with({edge: -count for edge, count in earlier._counts.items()})

    def __add__(self, other: Commits) -> Commits:
        """Return both together."""
        return self._with(other._counts)

    def _with(self, counts: Mapping[float, float]) -> Commits:
        made = Commits([])
        edges = {*self._counts, *counts}
        made._counts = {e: self._counts.get(e, 0.0) + counts.get(e, 0.0) for e in edges}
        return made

    def quantile(self, share: float) -> float:
        """Return seconds below which a share of them lies, interpolated."""
        edges = sorted(self._counts)
        counts = [self._counts[edge] for edge in edges]
        if not counts or not counts[-1]:
            raise RunFailedError("there was no commit to measure")
        wanted, low, below = share * counts[-1], 0.0, 0.0
        for edge, count in zip(edges, counts, strict=True):
            if count >= wanted:
                inside = (wanted - below) / (count - below) if count > below else 1.0
                return low + (edge - low) * inside if edge != float("inf") else low
            low, below = edge, count
        return low
