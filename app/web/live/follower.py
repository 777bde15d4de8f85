"""Whether what a worker remembers of a partition is still of the partition's last commit."""

from collections.abc import Mapping

from app.engine.partition_parts import Committed


class Follower:
    """Follows one partition's commits in this worker.

    When the partition has been another's meanwhile, its offsets are not where they were left.
    """

    def __init__(self) -> None:
        """Know of no commit yet."""
        self._at: Mapping[str, int] | None = None

    def stands_at(self, offsets: Mapping[str, int]) -> bool:
        """Whether these are the offsets of the last commit seen; from now on they are."""
        known = self._at == offsets
        self._at = offsets
        return known

    def goes_on(self, committed: Committed) -> bool:
        """Whether the commit is the next one after the last seen."""
        known = self._at == committed.before
        self._at = committed.offsets
        return known
