"""A record as the broker hands it over."""

from collections.abc import Sequence
from typing import Protocol


class Record(Protocol):
    """One record of an input topic; `aiokafka.structs.ConsumerRecord[bytes, bytes]` is one.

    Read only: a record is shared by the event, the dead letter and the late event made from it.
    """

    @property
    def topic(self) -> str:
        """Name of the topic that it was read from."""

    @property
    def partition(self) -> int:
        """Number of the partition that it was read from."""

    @property
    def offset(self) -> int:
        """Position in that partition."""

    @property
    def timestamp(self) -> int:
        """Kafka's own timestamp, milliseconds since the epoch; not the event time."""

    @property
    def key(self) -> bytes | None:
        """Key bytes, None where the record has none."""

    @property
    def value(self) -> bytes | None:
        """Value bytes, None for a tombstone."""

    @property
    def headers(self) -> Sequence[tuple[str, bytes]]:
        """Header names and values, in the order written."""
