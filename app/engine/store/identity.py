"""Which changelog a store is a copy of: another one's rows would be silently wrong."""

from typing import Self

import msgspec

LAYOUT = 1
"""Of the engine's own rows in a store; tables' rows have `app.engine.metadata.LAYOUT`."""


class StoreIdentity(msgspec.Struct, frozen=True, array_like=True):
    """`topic`: the changelog's id, which no other topic ever has, whatever its name."""

    cluster: str
    topic: str
    partition: int
    layout: int = LAYOUT

    def encode(self) -> bytes:
        """Give its bytes as they lie in a store."""
        return msgspec.msgpack.encode(self)

    @classmethod
    def decode(cls, data: bytes | None) -> Self | None:
        """Inverse of `encode`; None of what is none."""
        try:
            return None if data is None else msgspec.msgpack.decode(data, type=cls)
        except msgspec.MsgspecError:
            return None

    def unlike(self, stored: Self | None) -> str | None:
        """Say in what a stored identity differs from this one, None where it does not."""
        if stored is None:
            return "does not say which changelog it is of"
        if stored.cluster != self.cluster:
            return "is of another Kafka cluster"
        if stored.topic != self.topic:
            return "is of a changelog that has been deleted"
        if stored.partition != self.partition:
            return f"is of partition {stored.partition}"
        if stored.layout != self.layout:
            return f"has layout {stored.layout}, this version writes {self.layout}"
        return None
