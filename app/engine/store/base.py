"""What the engine asks of a store."""

from collections.abc import Iterator, Sequence
from typing import Protocol

Change = tuple[bytes, bytes | None]


class Store(Protocol):
    """All rows of all tables of one partition, as of some commit."""

    def get(self, key: bytes) -> bytes | None:
        """Give the value, None where there is none."""

    def scan(
        self, low: bytes, high: bytes, *, reverse: bool = False
    ) -> Iterator[tuple[bytes, bytes]]:
        """Go through keys in [low, high), upwards or, reversed, downwards."""

    def write(self, changes: Sequence[Change], changelog_offset: int) -> None:
        """Apply a commit's changes (None: delete) and its place in the changelog, all or none."""

    @property
    def changelog_offset(self) -> int | None:
        """The first changelog offset that is not in here; None in an empty store."""

    def clear(self) -> None:
        """Drop everything, the changelog offset too."""

    def close(self) -> None:
        """Let go of files and memory."""
