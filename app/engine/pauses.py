"""How long to wait before something is tried again."""


class Pauses:
    """Pauses in seconds, each twice as long as the one before, up to a longest one."""

    def __init__(self, first: float, most: float) -> None:
        """Begin with `first`."""
        self._first = self._next = first
        self._most = most

    def next(self) -> float:
        """Give the next one."""
        pause, self._next = self._next, min(self._next * 2, self._most)
        return pause

    def reset(self) -> None:
        """Begin anew."""
        self._next = self._first
