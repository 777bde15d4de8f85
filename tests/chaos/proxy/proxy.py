"""The proxy itself: a loop in a thread, so that a busy or synchronous harness does not stall it."""

import asyncio
import threading
from collections import Counter
from collections.abc import Callable, Coroutine
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import partial
from types import TracebackType
from typing import Any, Self, TypeVar

from tests.chaos.proxy.frames import Request
from tests.chaos.proxy.link import Link, Struck, Traffic, Way
from tests.chaos.proxy.rules import Rule

T = TypeVar("T")
_ANSWER_S = 30.0
_CONNECT_S = 5.0


@dataclass(frozen=True, slots=True)
class Route:
    """`port`: where the proxy listens; `behind`: the listener of `node` that advertises it."""

    port: int
    behind: int
    node: int = 1


class Proxy(AbstractContextManager["Proxy"]):
    """Listens on 127.0.0.1 and carries every connection to its route's broker.

    Works from `with` to the end of the block. All methods may be called from any thread.
    `seen` counts the requests that came, by API key; `rules` are those given, in order: the first
    that fits strikes.
    """

    def __init__(self, *routes: Route) -> None:
        """`routes`: what it listens for; rules hold for all of them."""
        self._routes = routes
        self.port = routes[0].port
        self.bootstrap = ",".join(f"127.0.0.1:{route.port}" for route in routes)
        self.seen: Counter[int] = Counter()
        self.rules: list[Rule] = []
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="proxy", daemon=True)
        self._links: dict[asyncio.Task[None], Link | None] = {}
        self._traffic = Traffic()
        self._resume: asyncio.TimerHandle | None = None
        self._servers: list[asyncio.Server] = []

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

    def slow(self, rate: float) -> None:
        """Let so many bytes a second through, of all connections and both ways; 0: no limit."""
        self._traffic.rate = rate

    @property
    def waited(self) -> float:
        """Seconds that frames have waited for the rate, all together."""
        return self._traffic.waited

    def sever(self, severed: Callable[[Way], bool] | None) -> None:
        """Let nothing through on these ways, as `pause` does; None: all are whole again."""
        self._call(lambda: self._sever(severed))

    def _run(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(_ANSWER_S)

    def _call(self, work: Callable[[], T]) -> T:
        async def called() -> T:
            return work()

        return self._run(called())

    async def _listen(self) -> None:
        for route in self._routes:
            accept = partial(self._accept, route)
            self._servers.append(await asyncio.start_server(accept, "127.0.0.1", route.port))

    def _accept(
        self, route: Route, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        task = self._loop.create_task(self._serve(route, reader, writer))
        self._links[task] = None
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        del self._links[task]

    async def _serve(
        self, route: Route, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        way = Way(writer.get_extra_info("peername")[1], route.port, route.node)
        try:
            await self._traffic.passed(way)
            async with asyncio.timeout(_CONNECT_S):
                broker = await asyncio.open_connection("127.0.0.1", route.behind)
        except (OSError, TimeoutError):
            writer.transport.abort()
            return
        except asyncio.CancelledError:
            writer.transport.abort()
            raise
        link = Link(way, (reader, writer), broker, self._traffic, self._match)
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

    def _sever(self, severed: Callable[[Way], bool] | None) -> None:
        self._traffic.severed = severed
        if severed is None:
            self._traffic.healed.set()
        else:
            self._traffic.healed.clear()

    async def _close(self) -> None:
        for server in self._servers:
            server.close()
        self._sever(None)
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
