"""Ctrl-C, SIGTERM and SIGHUP at any moment: one orderly stop."""

import signal
from collections.abc import Callable
from types import FrameType
from typing import Any, Final, Self

_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Interrupts:
    """Turns the first signal into `KeyboardInterrupt`, or into a call where one is wanted.

    Further signals are ignored: what stops has bounds of its own, and a second Ctrl-C must not
    leave processes behind.
    """

    def __init__(self) -> None:
        """Nothing is handled before the block is entered."""
        self.came = False
        self._call: Callable[[], object] | None = None
        self._before: dict[signal.Signals, Any] = {}

    def __enter__(self) -> Self:
        """Handle the signals from here on; main thread only."""
        for number in _SIGNALS:
            self._before[number] = signal.signal(number, self._handle)
        return self

    def __exit__(self, *_: object) -> None:
        """Handle them as before."""
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def call(self, call: Callable[[], object] | None) -> None:
        """From now on call this instead of raising; None: raise again."""
        self._call = call

    def ignore(self) -> None:
        """Ignore all from now on."""
        self.came = True

    def _handle(self, _number: int, _frame: FrameType | None) -> None:
        if self.came:
            return
        self.came = True
        if self._call is None:
            raise KeyboardInterrupt
        self._call()
