"""How many bytes a worker holds of its inputs and outputs between the fetch and the commit."""

from typing import Final

_LEAST: Final = 1024 * 1024


class Buffer:
    """One for all partitions of a worker: a third for records that wait, the rest for outputs.

    Counted are records and outputs as bytes; decoded events and the transaction's batches are
    copies of them. What is larger than its share by itself is held all the same, alone.
    """

    def __init__(self, size: int) -> None:
        """`size`: bytes."""
        self._waiting = size // 3
        self._outputs = size - self._waiting
        self.partitions = 1

    @property
    def waiting_share(self) -> int:
        """Bytes from which on a partition's records wait unfetched."""
        return max(self._waiting // max(self.partitions, 1), _LEAST)

    def is_full(self, waiting: int) -> bool:
        """Whether partitions that have nothing waiting go without; `waiting`: bytes, of all."""
        return waiting >= self._waiting

    @property
    def outputs_share(self) -> int:
        """Bytes of outputs from which on a partition commits."""
        return max(self._outputs // max(self.partitions, 1), _LEAST)
