"""Outputs collected in the open transaction."""

from collections.abc import Mapping

from app.engine.errors import OutputTooLargeError
from models.outputs import Output

# What a record adds to key, value and headers in a batch of its own, at most.
_OVERHEAD = 128
# Far enough from a limit that nobody has to look closer: headers hold names of topics and numbers.
_MARGIN = 4096


def size_of(output: Output) -> int:
    """Bytes that the record takes in a batch of its own, rounded up."""
    headers = sum(len(name) + len(value) + 10 for name, value in output.headers)
    return len(output.key or b"") + len(output.value or b"") + headers + _OVERHEAD


class Outputs:
    """Records to write, in order; `Undoable`."""

    def __init__(self, limits: Mapping[str, int]) -> None:
        """`limits`: `max.message.bytes` by topic."""
        self.records: list[Output] = []
        self._saved = 0
        self._limits = limits
        self._safe = min(limits.values(), default=1 << 30) - _MARGIN

    def add(self, output: Output) -> None:
        """Collect a record; OutputTooLargeError if its topic does not take one of that size."""
        if len(output.value or b"") + len(output.key or b"") > self._safe:
            size, limit = size_of(output), self._limits.get(output.topic)
            if limit is not None and size > limit:
                raise OutputTooLargeError(
                    f"an output of {size} bytes is more than the {limit} that {output.topic} takes"
                )
        self.records.append(output)

    def savepoint(self) -> None:
        """See `Undoable`."""
        self._saved = len(self.records)

    def rollback(self) -> None:
        """See `Undoable`."""
        del self.records[self._saved :]

    def committed(self) -> None:
        """See `Undoable`."""
        self.records = []
        self._saved = 0

    discard = committed
