"""Where a run is, on stderr."""

from __future__ import annotations

import sys
import time


class Progress:
    """One line on stderr, rewritten on a terminal, else written at most every 5 s."""

    def __init__(self) -> None:
        """Start the clock."""
        self._started = self._shown = time.monotonic()

    def __call__(self, text: str) -> None:
        """Show where the run is."""
        now = time.monotonic()
        if sys.stderr.isatty():
            print(f"\r\x1b[K{now - self._started:4.0f} s  {text}", end="", file=sys.stderr)
        elif now - self._shown >= 5:
            self._shown = now
            print(f"{now - self._started:4.0f} s  {text}", file=sys.stderr)
