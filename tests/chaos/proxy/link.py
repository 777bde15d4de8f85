"""One client's connection through the proxy, and the proxy's own to the broker."""

import asyncio
import struct
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from tests.chaos.proxy.frames import Request, correlation_of, parse_request, read_frame
from tests.chaos.proxy.rules import Action, Rule, Strike

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]
Struck = tuple[Rule, Strike]
Match = Callable[[Request], Struck | None]
"""Which rule strikes a request, if any."""


@dataclass(frozen=True, slots=True)
class Way:
    """Where a connection comes from, and to which node it leads: its ports, `client` and `port`.

    The client's port alone does not tell: others may have it, too, on connections elsewhere.
    """

    client: int
    port: int
    node: int


class Traffic:
    """What holds for all connections: whether anything flows, how slowly, and on which ways not.

    `rate`: bytes a second of all connections together, each way counted; 0: no limit. `waited`:
    seconds that frames have waited for it.
    """

    def __init__(self) -> None:
        self.flowing = asyncio.Event()
        self.flowing.set()
        self.latency = 0.0
        self.rate = 0.0
        self.waited = 0.0
        self.severed: Callable[[Way], bool] | None = None
        self.healed = asyncio.Event()
        self._free_at = 0.0

    async def passed(self, way: Way, size: int = 0) -> None:
        """Wait as long as a frame of so many bytes has to."""
        if self.latency:
            await asyncio.sleep(self.latency)
        if self.rate:
            now = time.monotonic()
            self._free_at = max(self._free_at, now) + size / self.rate
            self.waited += self._free_at - now
            await asyncio.sleep(self._free_at - now)
        await self.flowing.wait()
        if self.severed is not None and self.severed(way):
            await self.healed.wait()


class Link:
    """Carries frames both ways, in order, and does to them what rules say."""

    def __init__(
        self, way: Way, client: Streams, broker: Streams, traffic: Traffic, match: Match
    ) -> None:
        self._way = way
        self._from_client, self._to_client = client
        self._from_broker, self._to_broker = broker
        self._traffic = traffic
        self._match = match
        # Requests under way to be struck at their answer, or watched for it.
        self._watched: dict[int, Struck] = {}
        self._silent = False
        self._late: asyncio.Event | None = None

    async def run(self) -> None:
        """Carry until either side ends."""
        requests = asyncio.create_task(self._requests())
        answers = asyncio.create_task(self._answers())
        try:
            await asyncio.wait((requests, answers), return_when=asyncio.FIRST_COMPLETED)
            if requests.done() and self._late is not None and not answers.done():
                # The client is gone: what it had sent is answered all the same.
                with suppress(TimeoutError):
                    async with asyncio.timeout(10):
                        await self._late.wait()
        finally:
            for task in (requests, answers):
                task.cancel()
            await asyncio.gather(requests, answers, return_exceptions=True)
            self.close()

    def close(self) -> None:
        """End both connections at once."""
        for writer in (self._to_client, self._to_broker):
            writer.transport.abort()

    async def _requests(self) -> None:
        while (frame := await read_frame(self._from_client)) is not None:
            await self._traffic.passed(self._way, len(frame))
            if self._silent:
                continue
            try:
                request = parse_request(frame)
            except (ValueError, IndexError, struct.error):
                return
            struck = self._match(request)
            if struck is not None and not await self._strike(*struck):
                return
            if self._silent:
                continue
            if not await _write(self._to_broker, frame):
                return
            if struck is not None:
                struck[1].delivered = time.monotonic()
                if struck[0].action is Action.DELIVER_LATE:
                    return

    async def _strike(self, rule: Rule, strike: Strike) -> bool:
        """Do to a request what is to be done before the broker gets it; False: it ends here."""
        if rule.action is Action.DROP_REQUEST:
            return False
        if rule.action is Action.SWALLOW_REQUEST:
            self._silent = True
            return True
        self._watched[strike.request.correlation] = (rule, strike)
        if rule.action is Action.HOLD_REQUEST:
            # A client that gives up meanwhile cannot take back what it has sent.
            self._late = asyncio.Event()
            await rule.hold()
        elif rule.action is Action.DELIVER_LATE:
            self._late = asyncio.Event()
            self._to_client.transport.abort()
            await rule.hold()
        return True

    async def _answers(self) -> None:
        while (frame := await read_frame(self._from_broker)) is not None:
            await self._traffic.passed(self._way, len(frame))
            struck = self._watched.pop(correlation_of(frame), None)
            if struck is not None:
                rule, strike = struck
                if self._late is not None:
                    self._late.set()
                if rule.answer(strike, frame) and not await self._strike_answer(rule):
                    return
            if self._silent or await _write(self._to_client, frame):
                continue
            # The client is gone, but may have sent something that the broker is still to get.
            if self._late is None or self._late.is_set():
                return

    async def _strike_answer(self, rule: Rule) -> bool:
        """Do to an answer what is to be done before the client gets it; False: it ends here."""
        if rule.action is Action.DROP_ANSWER:
            return False
        if rule.action is Action.SWALLOW_ANSWER:
            self._silent = True
        else:
            await rule.hold()
        return True


async def _write(writer: asyncio.StreamWriter, frame: bytes) -> bool:
    """Write a frame; False if the connection has ended."""
    if writer.transport.is_closing():
        return False
    try:
        writer.write(frame)
        await writer.drain()
    except OSError:
        return False
    return True
