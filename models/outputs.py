"""A record on its way out, before it is part of a transaction."""

from collections.abc import Sequence

from msgspec import Struct


class Output(Struct, frozen=True, gc=False):
    """One record to write.

    `partition` None: by murmur2 of the key. `timestamp`: ms, None: the time of writing.
    """

    topic: str
    partition: int | None
    key: bytes | None
    value: bytes | None
    timestamp: int | None = None
    headers: Sequence[tuple[str, bytes]] = ()
