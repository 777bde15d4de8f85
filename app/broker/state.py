"""What a broker's folder holds, and the checks that it is one.

`broker.json` makes a folder a broker's and outlives runs; `run.json` tells of the process that
was started last. Kafka's own files are in `data`, logs in `logs`.
"""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TypeVar

from app.broker.folders import make_folder, write_whole
from app.errors import UserError

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Identity:
    """What stays over all runs: the cluster's id, and the port that was last used (0: none)."""

    cluster_id: str
    port: int


@dataclass(frozen=True, slots=True)
class Run:
    """One start: its process and the mark on it, port, versions, and when (epoch seconds)."""

    pid: int
    mark: str
    port: int
    version: str
    java: str
    started_at: float


class BrokerFolder:
    """Paths and small files of one broker's folder."""

    def __init__(self, root: Path) -> None:
        """Name the folder; nothing is read or made yet."""
        self.root = root.expanduser().absolute()
        self.data = self.root / "data"
        self.logs = self.root / "logs"
        self.scratch = self.root / "tmp"
        self.lock = self.root / ".lock"
        self.properties = self.root / "server.properties"
        self.logging = self.root / "log4j2.properties"
        self._identity = self.root / "broker.json"
        self._run = self.root / "run.json"

    def make(self) -> None:
        """Make the folder, unless another program uses it.

        Raises UserError: not writable, or holds files but no `broker.json`.
        """
        strangers = self._strangers()
        if strangers and self.identity() is None:
            raise UserError(
                f"{self.root} is not a broker's folder: it holds {strangers[0]};"
                " name an empty one with --dir"
            )
        make_folder(self.root, "name another with --dir")

    def adopt(self, new_cluster_id: str) -> Identity:
        """Return the identity, written if there is none; to be called with the lock held.

        Raises UserError if the data belong to another cluster.
        """
        identity = self.identity()
        if identity is None:
            identity = Identity(new_cluster_id, 0)
            self.write_identity(identity)
        found = self._cluster_of_data()
        if found not in (None, identity.cluster_id):
            raise UserError(
                f"{self.data} holds the data of another cluster ({found}), this broker's is"
                f" {identity.cluster_id}; put the right data back, or choose another folder"
            )
        self.logs.mkdir(exist_ok=True)
        return identity

    def _strangers(self) -> list[str]:
        ours = (self.lock.name, f".{self._identity.name}")
        try:
            names = sorted(path.name for path in self.root.iterdir())
        except OSError:
            return []
        return [name for name in names if not name.startswith(ours)]

    def _cluster_of_data(self) -> str | None:
        try:
            text = (self.data / "meta.properties").read_text("utf-8")
        except OSError:
            return None
        settings = dict(line.split("=", 1) for line in text.splitlines() if "=" in line)
        return settings.get("cluster.id")

    def identity(self) -> Identity | None:
        """Read `broker.json`; None if there is none."""
        return _read(self._identity, Identity)

    def write_identity(self, identity: Identity) -> None:
        """Replace `broker.json`."""
        write_whole(self._identity, json.dumps(asdict(identity)))

    def run(self) -> Run | None:
        """Read `run.json`; None if nothing was started, or it was stopped."""
        return _read(self._run, Run)

    def write_run(self, run: Run | None) -> None:
        """Replace `run.json`, or remove it."""
        if run is None:
            self._run.unlink(missing_ok=True)
        else:
            write_whole(self._run, json.dumps(asdict(run)))

    def log_size(self) -> int:
        """Bytes in the log now: where the next run's words begin."""
        log = self.logs / "server.log"
        return log.stat().st_size if log.exists() else 0

    def last_words(self, since: int, lines: int = 4) -> str:
        """What the process logged after byte `since` and printed, at its end; no stack frames."""
        said = b""
        for name, start in (("server.log", since), ("console.log", 0)):
            path = self.logs / name
            if path.exists():
                said += path.read_bytes()[start:] + b"\n"
        words = [line.strip() for line in said.decode("utf-8", "replace").splitlines()]
        kept = [line for line in words if line and not line.startswith(("at ", "... "))]
        return " | ".join(dict.fromkeys(kept[-lines:]))


def _read(path: Path, kind: type[_T]) -> _T | None:
    try:
        return kind(**json.loads(path.read_text("utf-8")))
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (ValueError, TypeError) as error:
        raise UserError(f"{path} is damaged; remove it and start again") from error
    except OSError as error:
        raise UserError(f"cannot read {path}: {error.strerror}") from error
