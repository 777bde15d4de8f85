"""What a broker's folder holds, and the checks that it is one.

`broker.json` makes a folder a broker's and outlives runs; `run.json` tells of the process that
was started last. Kafka's own files are in `data`, logs in `logs`.
"""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from app.broker.folders import make_folder, write_whole
from app.errors import UserError


@dataclass(frozen=True, slots=True)
class Identity:
    """What stays the same over all runs: the cluster's id, and the port that was last used."""

    cluster_id: str
    port: int


@dataclass(frozen=True, slots=True)
class Run:
    """One start: its process and the mark on it, ports, Java, and when (epoch seconds)."""

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
        self.lock = self.root / ".lock"
        self.properties = self.root / "server.properties"
        self._identity = self.root / "broker.json"
        self._run = self.root / "run.json"

    def prepare(self) -> None:
        """Make the folder, or check that it is a broker's and of one cluster.

        Raises UserError: not writable, another program's folder, another cluster's data.
        """
        identity = self.identity()
        if identity is None and self._strangers():
            raise UserError(
                f"{self.root} is not a broker's folder: it holds {self._strangers()[0]};"
                " choose an empty folder with --dir"
            )
        make_folder(self.root, "choose another folder with --dir")
        self.logs.mkdir(exist_ok=True)
        (self.root / "tmp").mkdir(exist_ok=True)
        found = self._cluster_of_data()
        if found is not None and identity is not None and found != identity.cluster_id:
            raise UserError(
                f"{self.data} holds the data of another cluster ({found}), this broker's is"
                f" {identity.cluster_id}; put the right data back, or choose another --dir"
            )

    def _strangers(self) -> list[str]:
        try:
            return sorted(path.name for path in self.root.iterdir() if path != self.lock)
        except OSError:
            return []

    def _cluster_of_data(self) -> str | None:
        try:
            text = (self.data / "meta.properties").read_text("utf-8")
        except OSError:
            return None
        settings = dict(line.split("=", 1) for line in text.splitlines() if "=" in line)
        return settings.get("cluster.id")

    def identity(self) -> Identity | None:
        """Read `broker.json`; None if there is none."""
        content = _read(self._identity)
        return Identity(**content) if content is not None else None

    def write_identity(self, identity: Identity) -> None:
        """Replace `broker.json`."""
        write_whole(self._identity, json.dumps(asdict(identity)))

    def run(self) -> Run | None:
        """Read `run.json`; None if nothing was started, or it was stopped."""
        content = _read(self._run)
        return Run(**content) if content is not None else None

    def write_run(self, run: Run | None) -> None:
        """Replace `run.json`, or remove it."""
        if run is None:
            self._run.unlink(missing_ok=True)
        else:
            write_whole(self._run, json.dumps(asdict(run)))

    def last_words(self, lines: int = 5) -> str:
        """The last lines of what the process printed and logged, for an error message."""
        words: list[str] = []
        for name in ("server.log", "console.log"):
            path = self.logs / name
            if path.exists():
                words += path.read_text("utf-8", "replace").strip().splitlines()[-lines:]
        return " | ".join(word.strip() for word in words[-lines:])


def _read(path: Path) -> dict[str, Any] | None:
    try:
        content = json.loads(path.read_text("utf-8"))
    except OSError:
        return None
    except ValueError as error:
        raise UserError(f"{path} is damaged; remove it and start again") from error
    return dict(content)
