"""What the broker says of itself."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class BrokerInfo:
    """A running broker: where to connect (`127.0.0.1:PORT`), its process, its files.

    `java` is the version with where it was found; `already_running` says that `start` found it.
    """

    bootstrap: str
    port: int
    pid: int
    version: str
    java: str
    folder: Path
    already_running: bool = False


@dataclass(frozen=True, slots=True)
class BrokerStatus:
    """What is known of a folder's broker; all but the first two are None when it is stopped.

    `rss_bytes` is its resident memory, `started_at` in seconds since the epoch.
    """

    running: bool
    folder: Path
    info: BrokerInfo | None = None
    rss_bytes: int | None = None
    started_at: float | None = None
