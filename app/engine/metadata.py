"""The one row a partition writes with every transaction (reliability, rule 8).

It says which source offsets the state holds, every computation's stream time, and what shaped the
state. At assignment it must agree with the group's committed offsets.
"""

from collections.abc import Collection, Mapping
from typing import Self, TypeVar

import msgspec

from tables.rules import Rules

KEY = b"\x00metadata"
LAYOUT = 2


class Metadata(msgspec.Struct, frozen=True):
    """`offsets`: next source offset by topic; `stream_times`: ms by computation, -1 for none."""

    layout: int
    shape: dict[str, int]
    partitions: int
    offsets: dict[str, int]
    stream_times: dict[str, int]

    def encode(self) -> bytes:
        """Give its bytes as they lie in store and changelog."""
        return _encode(self)

    @classmethod
    def decode(cls, data: bytes | None) -> Self | None:
        """Inverse of `encode`; None of None."""
        return None if data is None else _decode(data, cls)


_encode = msgspec.msgpack.Encoder().encode
M = TypeVar("M", bound=Metadata)


def _decode(data: bytes, kind: type[M]) -> M:
    return msgspec.msgpack.decode(data, type=kind)


def other_topics(offsets: Mapping[str, int], sources: Collection[str]) -> str | None:
    """Say that a state was made from other topics than those read now; None if from these.

    `offsets`: the row's, by topic; `sources`: the topics that are read, as the settings name them.
    """
    strange = sorted(offsets.keys() - set(sources))
    if not strange:
        return None
    new = ", ".join(name for name in sources if name not in offsets)
    return (
        f"the state was made from {', '.join(strange)}, in place of which the settings name "
        f"{new}: set the name back (STREAMJOIN_TOPIC_...), or start over with "
        "`streamjoin groups reset-offsets --to earliest`"
    )


def shape(rules: Rules) -> dict[str, int]:
    """What shapes the rows that are stored: with another value of one of these they are wrong."""
    return {
        "join_window": rules.join_window,
        "tumbling_size": rules.tumbling,
        "hopping_size": rules.hopping_size,
        "hopping_step": rules.hopping_step,
        "average_size": rules.average_size,
        "session_gap": rules.session_gap,
    }
