"""What the engine asks of a store."""

from collections.abc import Iterator, Sequence
from typing import Protocol

Change = tuple[bytes, bytes | None]


class Store(Protocol):
    """All rows of all tables of one partition, as of some commit.

    Every method may raise DamagedStoreError (what is on disk is not what was written) or
    NoDescriptorError (no file can be opened for now), after which the partition is acquired again,
    `renew` included; or StoreError (the disk refuses; stop).
    """

    def get(self, key: bytes) -> bytes | None:
        """Give the value, None where there is none."""

    def scan(
        self, low: bytes, high: bytes, *, reverse: bool = False
    ) -> Iterator[tuple[bytes, bytes]]:
        """Go through keys in [low, high), upwards or, reversed, downwards."""

    def write(
        self, changes: Sequence[Change], changelog_offset: int, as_of: int | None = None
    ) -> None:
        """Apply a commit's changes (None: delete) and its place in the changelog, all or none.

        `as_of`: see the property; None is now.
        """

    @property
    def changelog_offset(self) -> int | None:
        """The first changelog offset that is not in here; None in an empty store."""

    @property
    def as_of(self) -> int | None:
        """When the changelog up to `changelog_offset` was sure to be in here, ms since the epoch.

        Tombstones behind that offset that are older than this may be missed, and no others.
        """

    @property
    def identity(self) -> bytes | None:
        """Which changelog this is a copy of; None in an empty store."""

    def claim(self, identity: bytes) -> None:
        """Have an empty store be of this changelog: it is written with the first write."""

    @property
    def size(self) -> int:
        """About how many bytes its rows take, in memory and on disk; cheap to ask."""

    def check(self) -> None:
        """Raise DamagedStoreError if damage has been found since the last `renew`."""

    def renew(self) -> None:
        """Set a store in which damage was found aside, and start empty.

        Open one again that could not open a file; else do nothing.
        """

    def bulk(self, on: bool) -> None:
        """Prepare for many large writes in a row, or for normal ones again."""

    def clear(self) -> None:
        """Drop everything, the changelog offset and the identity too."""

    def close(self) -> None:
        """Let go of files and memory."""
