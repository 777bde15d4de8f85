"""Which workers have not answered in time, so that not every question waits for them.

A worker that is frozen takes connections and answers none: each question would hold its place for
the whole time-out. So one that gave no answer at all while a question waited in vain is asked by
one question a time-out, and the others count as unanswered at once, until one is answered.
"""

import time


class Silence:
    """What one worker knows of the others, by URL. Times are `time.monotonic()`."""

    def __init__(self) -> None:
        """Take it that all answer."""
        self._until: dict[str, float] = {}
        self._answered: dict[str, float] = {}

    def may_ask(self, url: str, patience: float) -> bool:
        """Whether to ask the worker; of a silent one's askers, one in `patience` seconds may."""
        until = self._until.get(url)
        now = time.monotonic()
        if until is None:
            return True
        if now < until:
            return False
        self._until[url] = now + patience
        return True

    def in_vain(self, url: str, asked: float, patience: float) -> None:
        """Note that a question was not answered in time: no sign where others have been since."""
        if self._answered.get(url, 0.0) < asked:
            self._until[url] = time.monotonic() + patience

    def ended(self, url: str) -> None:
        """Note that the worker answers, or is gone, which is quickly known too."""
        self._answered[url] = time.monotonic()
        self._until.pop(url, None)
