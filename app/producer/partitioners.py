"""Which partition a record goes to: one argument of `EventProducer`.

A partitioner is called with the record's key (bytes, or None) and the topic's number of
partitions and returns a partition number. Kafka's default for keyed records is
`murmur2(key) & 0x7fffffff` modulo the partitions
(org.apache.kafka.clients.producer.internals.BuiltInPartitioner), here `by_key`.
"""

from collections.abc import Callable
from struct import Struct
from typing import Final

from app.producer.errors import BadEventError

Partitioner = Callable[[bytes | None, int], int]

_SEED: Final = 0x9747B28C
_MIX: Final = 0x5BD1E995
_MASK: Final = 0xFFFFFFFF
_WORDS: Final = tuple(Struct(f"<{count}I") for count in range(65))


def murmur2(data: bytes) -> int:
    """Return Kafka's 32-bit MurmurHash2 of `data`, unsigned.

    Same as org.apache.kafka.common.utils.Utils.murmur2, whose result is this one taken as a
    signed integer.
    """
    length = len(data)
    words, tail = divmod(length, 4)
    layout = _WORDS[words] if words < len(_WORDS) else Struct(f"<{words}I")
    hashed = _SEED ^ length
    for word in layout.unpack_from(data):
        mixed = word * _MIX & _MASK
        hashed = (hashed * _MIX & _MASK) ^ ((mixed ^ (mixed >> 24)) * _MIX & _MASK)
    if tail:
        hashed ^= int.from_bytes(data[length - tail :], "little")
        hashed = hashed * _MIX & _MASK
    hashed ^= hashed >> 13
    hashed = hashed * _MIX & _MASK
    return hashed ^ (hashed >> 15)


def by_key(key: bytes | None, partitions: int) -> int:
    """Place a record as Kafka's own clients do, so that one key stays in one partition.

    Raises `BadEventError` when there is no key: a record that lies anywhere would be joined
    with nothing (contract 2).
    """
    if key is None:
        raise BadEventError("no key to choose the partition by; give key=")
    return (murmur2(key) & 0x7FFFFFFF) % partitions


class RoundRobin:
    """Takes the partitions in turn, whatever the key; each topic has a turn of its own.

    `EventProducer` refuses it for keyed inputs, whose events of one user must meet in one
    partition (contract 2).
    """

    def __init__(self) -> None:
        """Start with partition 0."""
        self._next = 0

    def __call__(self, key: bytes | None, partitions: int) -> int:
        """Return the next partition in turn; the key is not looked at."""
        partition = self._next % partitions
        self._next = partition + 1
        return partition


round_robin: Final = RoundRobin()
"""Pass this as `partitioner=` to spread records evenly."""


def checked(partitioner: Partitioner, key: bytes | None, partitions: int) -> int:
    """Return the partition that a custom partitioner chose, if there is such a partition.

    Raises `BadEventError` otherwise.
    """
    partition = partitioner(key, partitions)
    if type(partition) is not int or not 0 <= partition < partitions:
        raise BadEventError(
            f"the partitioner chose {partition!r}; the topic has partitions 0 to {partitions - 1}"
        )
    return partition
