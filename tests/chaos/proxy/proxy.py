"""The proxy itself: a loop in a thread, so that a busy or synchronous harness does not stall it."""

import asyncio
import threading
from collections import Counter
from collections.abc import Callable, Coroutine
from contextlib import AbstractContextManager
from types import TracebackType
from typing import Any, Self, TypeVar

from tests.chaos.proxy.frames import Request
from tests.chaos.proxy.link import Link, Struck, Traffic
from tests.chaos.proxy.rules import Rule

T = TypeVar("T")
_ANSWER_S = 30.0
_CONNECT_S = 5.0


class Proxy(AbstractContextManager["Proxy"]):
    """Listens on 127.0.0.1 and carries every connection to the broker.

    Works from `with` to the end of the block. All methods may be called from any thread.
    `seen` counts the requests that came, by API key; `rules` are those given, in order: the first
    that fits strikes.
    """

    def __init__(self, port: int, broker_port: int) -> None:
        """`port`: where it listens; `broker_port`: the listener that advertises `port`."""
        self.port = port
        self.bootstrap = f"127.0.0.1:{port}"
        self.seen: Counter[int] = Counter()
        self.rules: list[Rule] = []
        self._broker_port = broker_port
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="proxy", daemon=True)
        self._links: dict[asyncio.Task[None], Link | None] = {}
        self._traffic = Traffic()
        self._resume: asyncio.TimerHandle | None = None
        self._server: asyncio.Server | None = None

    def __enter__(self) -> Self:
        self._thread.start()
        try:
            self._run(self._listen())
        except BaseException:
            self._end()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._run(self._close())
        self._end()

    def add(self, rule: Rule) -> Rule:
        """Have a rule strike from now on."""
        self.rules.append(rule)
        return rule

    def release(self) -> None:
        """Let go everything that is held, by all rules; none of them strikes any more."""
        for rule in self.rules:
            rule.release()

    def cut(self) -> int:
        """End all connections at once; how many there were. New ones are accepted."""
        return self._call(self._cut)

    def pause(self, seconds: float = 120.0) -> None:
        """Let nothing through, either way, until `resume`, at most for `seconds`: a black hole.

        Connections stay open, new ones are accepted and stay silent.
        """
        self._call(lambda: self._pause(seconds))

    def resume(self) -> None:
        """Let everything through again, what had come meanwhile first."""
        self._call(self._flow)

    def latency(self, seconds: float) -> None:
        """Have each frame wait so long, each way; 0: none. Frames wait one after another."""
        self._traffic.latency = seconds

    def _run(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(_ANSWER_S)

    def _call(self, work: Callable[[], T]) -> T:
        async def called() -> T:
            return work()

        return self._run(called())

    async def _listen(self) -> None:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", self.port)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = self._loop.create_task(self._serve(reader, writer))
        self._links[task] = None
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        del self._links[task]

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await self._traffic.passed()
            async with asyncio.timeout(_CONNECT_S):
                broker = await asyncio.open_connection("127.0.0.1", self._broker_port)
        except (OSError, TimeoutError):
            writer.transport.abort()
            return
        except asyncio.CancelledError:
            writer.transport.abort()
            raise
        link = Link((reader, writer), broker, self._traffic, self._match)
        task = asyncio.current_task()
        if task is not None:
            self._links[task] = link
        await link.run()

    def _match(self, request: Request) -> Struck | None:
        self.seen[request.api] += 1
        for rule in list(self.rules):
            strike = rule.take(request)
            if strike is not None:
                return rule, strike
        return None

    def _cut(self) -> int:
        links = [link for link in self._links.values() if link is not None]
        for link in links:
            link.close()
        return len(links)

    def _pause(self, seconds: float) -> None:
        self._flow()
        self._traffic.flowing.clear()
        self._resume = self._loop.call_later(seconds, self._flow)

    def _flow(self) -> None:
        if self._resume is not None:
            self._resume.cancel()
            self._resume = None
        self._traffic.flowing.set()

    async def _close(self) -> None:
        if self._server is not None:
            self._server.close()
        self._flow()
        self.release()
        tasks = list(self._links)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        # Aborted transports close their sockets in the loop's next turns.
        await asyncio.sleep(0.05)

    def _end(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(_ANSWER_S)
        self._loop.close()
