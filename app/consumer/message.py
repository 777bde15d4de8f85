"""A record as `ManualConsumer` hands it over."""

from collections.abc import Sequence
from typing import NamedTuple


class Message(NamedTuple):
    """A `models.records.Record`; `epoch` says in which assignment of partitions it was read."""

    topic: str
    partition: int
    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes]]
    epoch: int
