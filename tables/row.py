"""What rows, their keys and the store beneath them are to each other."""

from collections.abc import Callable, Iterator
from typing import Generic, NamedTuple, Protocol, Self, TypeVar


class Row(Protocol):
    """A mutable, decoded row. Its items are immutable, so that a shallow copy is a savepoint."""

    @classmethod
    def decode(cls, data: bytes) -> Self:
        """Make it from `encode`'s bytes."""

    def encode(self) -> bytes:
        """Give its bytes as they lie in store and changelog."""

    def copy(self) -> Self:
        """Give a shallow copy that later edits of this one do not touch."""


K = TypeVar("K")
R_co = TypeVar("R_co", bound=Row, covariant=True)


class KeyCodec(NamedTuple, Generic[K]):
    """How keys lie in the store: `encode` must keep their order where a table is scanned."""

    encode: Callable[[K], bytes]
    decode: Callable[[bytes], K]


class Backing(Protocol):
    """Committed bytes by key, in the order of keys."""

    def get(self, key: bytes) -> bytes | None:
        """Give the value, None where there is none."""

    def scan(
        self, low: bytes, high: bytes, *, reverse: bool = False
    ) -> Iterator[tuple[bytes, bytes]]:
        """Go through keys in [low, high), upwards or, reversed, downwards."""


class RowReader(Protocol[K, R_co]):
    """What a view needs of a table: rows by key and by range of keys."""

    def get(self, key: K) -> R_co | None:
        """Give the row, None where there is none. It must not be changed."""

    def scan(self, low: K, high: K, *, reverse: bool = False) -> Iterator[tuple[K, R_co]]:
        """Go through rows of keys in [low, high), upwards or, reversed, downwards."""
