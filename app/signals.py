"""The signals that ask a command to stop: heeded from its first line on, acted on here alone.

A handler that raises does so at whatever line runs; where that stands in a `try ... except`, the
stop is lost or taken for another failure. So as long as there is nothing to finish a signal ends
the process here, and later it calls what finishes. Imports little: see `app/cli/main.py`.
"""

import os
import signal
from collections.abc import Callable
from types import FrameType

NUMBERS = (signal.SIGTERM, signal.SIGHUP, signal.SIGINT)


class StopSignals:
    """What this process does when it is asked to stop. The first signal counts, none after it."""

    def __init__(self) -> None:
        """Nothing is heeded before `heed`."""
        self._heeded: list[signal.Signals] = []
        self._came: int | None = None
        self._interrupted = 0
        self._act: Callable[[int], object] = self._end

    def heed(self, interrupted: int = 0) -> None:
        """From now on end the process at once, exit status 0: there is nothing to finish.

        `interrupted`: the exit status of Ctrl-C. In the main thread only.
        """
        self._interrupted = interrupted
        for number in NUMBERS:
            # `nohup` has a command live on without its terminal.
            if number != signal.SIGHUP or signal.getsignal(number) is not signal.SIG_IGN:
                signal.signal(number, self._handle)
                self._heeded.append(number)

    def hand_to(self, act: Callable[[int], object]) -> None:
        """From now on call this with the first signal's number; at once where one has come."""
        self._act = act
        if self._came is not None:
            act(self._came)

    def hand_to_loop(self, call: Callable[[int], object]) -> None:
        """Hand over to the loop that runs here: it calls this, unless it has closed by then."""
        import asyncio  # Imported long since by whoever runs a loop.

        loop = asyncio.get_running_loop()

        def act(number: int) -> None:
            if not loop.is_closed():
                loop.call_soon_threadsafe(call, number)

        self.hand_to(act)

    def ignore(self) -> None:
        """Ignore them from now on: the exit status is certain, and nothing is to change it."""
        self._came = self._came or signal.SIGTERM
        for number in self._heeded:
            signal.signal(number, signal.SIG_IGN)

    def _handle(self, number: int, _frame: FrameType | None) -> None:
        if self._came is None:
            self._came = number
            self._act(number)

    def _end(self, number: int) -> None:
        os._exit(self._interrupted if number == signal.SIGINT else 0)


stop_signals = StopSignals()
"""This process's."""


def unblock() -> None:
    """Let come what was held back since before Python's own start (`env --block-signal`)."""
    signal.pthread_sigmask(signal.SIG_UNBLOCK, NUMBERS)


def interrupt(_number: int) -> None:
    """Raise KeyboardInterrupt: for `hand_to`, where waiting code has something to clean up.

    Hand over to it again after that code: what it raises can be lost in a finaliser.
    """
    raise KeyboardInterrupt
