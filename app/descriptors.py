"""File descriptors: how many the process may have, and what they are for.

A store or a Kafka client that gets none cannot go on, so HTTP gets what is left after these
(docs/deploying.md, Limits).
"""

import resource
from typing import Final, NamedTuple

from app.errors import SettingError

# The interpreter, two event loops, standard streams, log, listening sockets, files read at times.
_OWN: Final = 48
# Clients beside those of partitions: the group's consumer, the watch over topics, its admin.
_CLIENTS: Final = 4
# Of a store beside its tables: lock, log, manifest, folder, what flushes and compactions write.
_STORE_FILES: Final = 12
# Fewest that RocksDB may be told to keep open.
_FEWEST_TABLES: Final = 20
# Table files that a store keeps open where there are descriptors enough.
_MOST_TABLES: Final = 64
FEWEST_CONNECTIONS: Final = 32
"""HTTP connections that there is always room for."""
MOST_CONNECTIONS: Final = 2000
"""HTTP connections by default, where there are descriptors enough: each takes some 20 KB."""
SLACK: Final = 16
"""HTTP connections beyond the limit while others are being closed for them."""


class Descriptors(NamedTuple):
    """How a worker's descriptors are shared out: HTTP connections, and table files of a store.

    `needed`: what the limit would have to be, at least, to give all of this at once.
    """

    limit: int
    connections: int
    tables: int
    needed: int

    @property
    def short(self) -> str | None:
        """What to say where they do not suffice if all partitions come to this worker."""
        if self.needed <= self.limit:
            return None
        return (
            f"{self.limit} open files are too few if all partitions come to this worker: raise "
            f"the limit to {self.needed} (ulimit -n)"
        )


def raise_limit() -> int:
    """Raise the process's soft limit of descriptors to its hard one; what it is then."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    except (OSError, ValueError):  # Some systems have a hard limit that they do not grant.
        return soft
    return hard


def shared_out(limit: int, partitions: int, brokers: int, wanted: int | None) -> Descriptors:
    """Share out descriptors between Kafka, the stores of all `partitions`, and HTTP.

    `wanted`: connections that a setting asks for. Raises SettingError where these do not fit.
    """
    # A partition has a producer, and a reader while it is restored: each meets every broker, and
    # its coordinator on a connection of its own.
    kafka = (2 * partitions + _CLIENTS) * (brokers + 1)
    fixed = _OWN + SLACK + kafka + partitions * _STORE_FILES
    fewest = fixed + partitions * _FEWEST_TABLES
    if wanted is not None and wanted > limit - fewest:
        raise SettingError(
            f"setting web_connections: {wanted} do not fit into {limit} open files, of which Kafka "
            f"and the stores of {partitions} partitions need {fewest}: set it to "
            f"{max(limit - fewest, FEWEST_CONNECTIONS)} or less, or raise the limit to "
            f"{fewest + wanted} (ulimit -n)"
        )
    left = limit - fixed
    tables = (left - wanted if wanted else left // 2) // partitions
    tables = min(max(tables, _FEWEST_TABLES), _MOST_TABLES)
    rest = left - partitions * tables
    connections = wanted or min(max(rest, FEWEST_CONNECTIONS), MOST_CONNECTIONS)
    return Descriptors(limit, connections, tables, fixed + partitions * tables + connections)
