"""Configurations of the service's own topics, and what makes any topic safe."""

LONG_MAX = str(2**63 - 1)
STAMP_LIMITS = (
    "message.timestamp.after.max.ms",
    "message.timestamp.before.max.ms",
    "message.timestamp.difference.max.ms",
)
"""Settings by which a topic refuses records for how far their time is from the broker's.

Kafka 4 has the first two. Kafka before 3.6 has the third alone. Kafka 3.6 to 3.9 has all of them,
and goes by the third where one of the others is at its maximum (KIP-937).
"""
STAMP_LIMITS_OF_4 = STAMP_LIMITS[:2]
PARTIALS_RETENTION_MS = 7 * 86_400_000
SAFE_COPIES = 3
"""With as many, a record that is acknowledged outlives one broker, and writing goes on."""


def partials_config() -> dict[str, str]:
    """Configuration of the internal topic of partial sums.

    Not `compact`: the partials of one window come from many source partitions under one key, of
    which compaction would keep a single one, perhaps before the window's owner has read the rest.
    So `delete`, by the broker's clock: its records carry the time of writing and are read within
    moments, their effect kept in the owner's changelog. A group that stays away for longer than
    the retention with partials unread finds its committed offset gone, which stops it loudly.
    """
    return {
        "cleanup.policy": "delete",
        "retention.ms": str(PARTIALS_RETENTION_MS),
        "message.timestamp.type": "LogAppendTime",
        "segment.bytes": str(64 * 1024 * 1024),
    }


def safety_config(copies: int) -> dict[str, str]:
    """Configuration with which an acknowledged record outlives one broker.

    Empty below `SAFE_COPIES`: with two it would stop all writing as soon as one of them is gone.
    """
    if copies < SAFE_COPIES:
        return {}
    return {"min.insync.replicas": "2", "unclean.leader.election.enable": "false"}


def changelog_config() -> dict[str, str]:
    """Configuration of a changelog topic (contract, section 2, "Topic settings")."""
    return {
        "cleanup.policy": "compact",
        "segment.bytes": str(16 * 1024 * 1024),
        "segment.ms": "600000",
        "min.cleanable.dirty.ratio": "0.1",
        "delete.retention.ms": "86400000",
    }
