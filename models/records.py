"""A record as the broker hands it over."""

from collections.abc import Sequence
from typing import Protocol

from msgspec import Struct


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


class WithheldRecord(Struct, frozen=True, gc=False, eq=False):
    """A record that is too large to be read into memory: it becomes a dead letter by its size.

    A `Record` without its value and headers, and without its key where that is large too. Sizes
    are in bytes; `value_sha256`: the value's digest, 64 hexadecimal digits.
    """

    topic: str
    partition: int
    offset: int
    timestamp: int
    key: bytes | None
    key_size: int
    value_size: int
    value_sha256: str
    value: None = None
    headers: tuple[tuple[str, bytes], ...] = ()
