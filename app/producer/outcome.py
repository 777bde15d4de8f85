"""What goes into `EventProducer` and what it answers."""

from collections.abc import Mapping
from typing import Any, Literal, NamedTuple

Compression = Literal["none", "gzip", "lz4", "zstd"]
Event = Mapping[str, Any] | bytes
"""A mapping, or its JSON as bytes."""


class Sent(NamedTuple):
    """Where a record lies: `offset` in `partition` of `topic`."""

    topic: str
    partition: int
    offset: int


class BatchResult(NamedTuple):
    """What became of a batch.

    `sent` records were acknowledged; `offsets` gives the first and the last offset by
    partition; `bad` lists the events that could not be sent as (index from 0, reason).
    """

    sent: int
    offsets: dict[int, tuple[int, int]]
    bad: list[tuple[int, str]]
