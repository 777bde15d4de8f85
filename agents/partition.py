"""What an agent is given: batches of events, and the partition that they belong to."""

from collections.abc import AsyncIterator, Iterator
from typing import Protocol, TypeVar

from models.outputs import Output
from tables.state import State

E_co = TypeVar("E_co", covariant=True)
W = TypeVar("W")


class Partition(State, Protocol):
    """One partition's state inside the open transaction. The engine keeps and commits it."""

    number: int
    count: int

    def send(self, output: Output) -> None:
        """Write a record with the open transaction. `TooLargeError` if the broker would not."""


class Batch(Protocol[E_co]):
    """Events of one partition in the order in which they are to be taken."""

    def __iter__(self) -> Iterator[E_co]:
        """Go through the events."""

    def work(self, kind: type[W]) -> W:
        """Give the partition's work of this kind, as the topology made it."""


class Batches(Protocol[E_co]):
    """A stream of batches. A batch is done when the next one is asked for."""

    def __aiter__(self) -> AsyncIterator[Batch[E_co]]:
        """Go through the batches."""
