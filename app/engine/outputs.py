"""Outputs collected in the open transaction."""

from collections.abc import Mapping

from app.engine.errors import TooLargeError, TransactionTooLargeError
from models.outputs import Output

# What a record adds to key, value and headers in a batch of its own, at most.
_OVERHEAD = 128
# Far enough from a limit that nobody has to look closer: headers hold names of topics and numbers.
_MARGIN = 4096
_UNBOUNDED = 1 << 62


def size_of(output: Output) -> int:
    """Bytes that the record takes in a batch of its own, rounded up."""
    headers = sum(len(name) + len(value) + 10 for name, value in output.headers)
    return len(output.key or b"") + len(output.value or b"") + headers + _OVERHEAD


class Outputs:
    """Records to write, in order; `Undoable`. `weight`: bytes of their keys and values.

    `bound`: bytes of outputs, and of large rows that were read for them, above which the
    transaction is too large.
    """

    def __init__(self, limits: Mapping[str, int]) -> None:
        """`limits`: `max.message.bytes` by topic."""
        self.records: list[Output] = []
        self.weight = 0
        self.bound = _UNBOUNDED
        self._saved = (0, 0)
        self._limits = limits
        self._safe = min(limits.values(), default=1 << 30) - _MARGIN

    def add(self, output: Output) -> None:
        """Collect a record; TooLargeError if its topic does not take one of that size.

        Raises TransactionTooLargeError too.
        """
        weight = len(output.value or b"") + len(output.key or b"")
        if weight > self._safe:
            size, limit = size_of(output), self._limits.get(output.topic)
            if limit is not None and size > limit:
                raise TooLargeError(
                    f"an output of {size} bytes is more than the {limit} that {output.topic} takes"
                )
        self.records.append(output)
        self.weigh(weight)

    def weigh(self, weight: int) -> None:
        """Count bytes of an output or a large row. Raises TransactionTooLargeError."""
        self.weight += weight
        if self.weight > self.bound:
            raise TransactionTooLargeError(f"{self.weight} bytes are to be written at once")

    def unbounded(self) -> None:
        """Take whatever comes, until the transaction ends."""
        self.bound = _UNBOUNDED

    def savepoint(self) -> None:
        """See `Undoable`."""
        self._saved = (len(self.records), self.weight)

    def rollback(self) -> None:
        """See `Undoable`."""
        count, self.weight = self._saved
        del self.records[count:]

    def committed(self) -> None:
        """See `Undoable`."""
        self.records = []
        self.weight = 0
        self._saved = (0, 0)

    discard = committed
