"""What a proxy does to which requests, and the evidence that it did."""

import asyncio
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum

from tests.chaos.proxy.frames import Request, error_of


class Action(Enum):
    """What becomes of a request, or of its answer."""

    HOLD_REQUEST = "hold request"
    """The broker gets it after `seconds`, or at `release`; what follows it waits behind it."""
    HOLD_ANSWER = "hold answer"
    """The broker has done it; the client hears of it after `seconds`, or at `release`."""
    DROP_REQUEST = "drop request"
    """The broker never sees it, and the connection is closed."""
    DROP_ANSWER = "drop answer"
    """The broker has done it, the client never hears of it, and the connection is closed."""
    SWALLOW_REQUEST = "swallow request"
    """As DROP_REQUEST, but the connection stays open and silent for good."""
    SWALLOW_ANSWER = "swallow answer"
    """As DROP_ANSWER, but the connection stays open and silent for good."""
    DELIVER_LATE = "deliver late"
    """The client's connection is closed at once; the broker gets the request after `seconds`, or
    at `release`, when the client may long have gone on: a packet that was under way."""


HOLDING = (Action.HOLD_REQUEST, Action.HOLD_ANSWER, Action.DELIVER_LATE)
ON_ANSWERS = (Action.HOLD_ANSWER, Action.DROP_ANSWER, Action.SWALLOW_ANSWER)


@dataclass(slots=True)
class Strike:
    """One request that a rule has hit.

    `at`: seconds, monotonic. `delivered`: seconds at which the broker was given it, None if it
    was not (yet). `answer`: the broker's, as a frame, None if there was none (yet).
    """

    request: Request
    at: float
    delivered: float | None = None
    answer: bytes | None = None

    @property
    def error(self) -> int | None:
        """The error code in the answer, where `error_of` knows it."""
        return None if self.answer is None else error_of(self.request, self.answer)


@dataclass(eq=False)
class Rule:
    """A fault: strikes requests of `api`, of `transactional_id` and `client_id` if given.

    Where it strikes at the answer, one with an error code (that `error_of` knows) is spared: the
    broker has not done then what was asked.

    `skip`: so many that fit are let through first. `times`: it strikes at most so often.
    `seconds`: how long it holds, where it holds. `strikes`: the evidence, in order.
    """

    api: int
    action: Action
    transactional_id: str | None = None
    client_id: str | None = None
    skip: int = 0
    times: int = 1
    seconds: float = 60.0
    strikes: list[Strike] = field(default_factory=list)
    _passed: int = 0
    _released: threading.Event = field(default_factory=threading.Event)

    def take(self, request: Request) -> Strike | None:
        """Strike this request, if it is one to strike. For the proxy's thread."""
        if request.api != self.api or self._released.is_set() or len(self.strikes) >= self.times:
            return None
        if self.transactional_id not in (None, request.transactional_id):
            return None
        if self.client_id not in (None, request.client_id):
            return None
        if self._passed < self.skip:
            self._passed += 1
            return None
        strike = Strike(request, time.monotonic())
        self.strikes.append(strike)
        return strike

    def release(self) -> None:
        """Let go what is held, and strike no more. From any thread."""
        self._released.set()

    async def hold(self) -> None:
        """Wait until `release`, at most `seconds`."""
        end = time.monotonic() + self.seconds
        while not self._released.is_set():  # Set by other threads: no asyncio.Event.
            if time.monotonic() >= end:
                return
            await asyncio.sleep(0.01)

    def answer(self, strike: Strike, frame: bytes) -> bool:
        """Note the broker's answer; whether it is to be struck. For the proxy's thread."""
        if self.action not in ON_ANSWERS:
            strike.answer = frame
            return False
        if error_of(strike.request, frame) not in (0, None):
            self.strikes.remove(strike)
            return False
        strike.answer = frame
        return True

    async def struck(self, times: int = 1, seconds: float = 60.0) -> list[Strike]:
        """Wait for so many strikes, at answers for the answers; fails after `seconds`."""
        if self.action in ON_ANSWERS:
            return await self.answered(times, seconds)
        await self._until(lambda: len(self.strikes) >= times, f"{times} strikes", seconds)
        return self.strikes

    async def answered(self, times: int = 1, seconds: float = 60.0) -> list[Strike]:
        """Wait until the broker has answered so many of the struck requests."""

        def answered() -> bool:
            return sum(strike.answer is not None for strike in self.strikes) >= times

        await self._until(answered, f"{times} answers", seconds)
        return self.strikes

    async def _until(self, holds: Callable[[], bool], what: str, seconds: float) -> None:
        end = time.monotonic() + seconds
        while not holds():
            assert time.monotonic() < end, f"{self} without {what} after {seconds} s"
            await asyncio.sleep(0.01)

    def __str__(self) -> str:
        """For reports: what it does, and how often it did."""
        return f"{self.action.value} of {self.api!r}: {len(self.strikes)} strikes"
