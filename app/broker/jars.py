"""Kafka's jars: the committed list, and their check against it.

`jars.txt` names every jar that the broker runs: SHA-512, size in bytes, Maven coordinates. Its
order is the class path. `python -m app.broker.lock` writes it anew.
"""

import hashlib
import json
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path

from app.broker.folders import locked, make_folder, write_whole
from app.errors import UserError

KAFKA_VERSION = "4.3.1"
"""The version of Apache Kafka that runs."""

_STAMP = "verified.json"


@dataclass(frozen=True, slots=True)
class Jar:
    """One jar of the list: its Maven coordinates, size in bytes and SHA-512 in hex."""

    group: str
    artifact: str
    version: str
    size: int
    sha512: str

    @property
    def name(self) -> str:
        """The file's name in the cache and in a Maven repository."""
        return f"{self.artifact}-{self.version}.jar"


@dataclass(frozen=True, slots=True)
class Release:
    """A release of Apache Kafka, and the jars that run it, in the order of the class path."""

    version: str
    jars: tuple[Jar, ...]


@cache
def listed_jars() -> tuple[Jar, ...]:
    """The committed list, in the order of the class path."""
    return parse_list(resources.files("app.broker").joinpath("jars.txt").read_text("utf-8"))


def embedded_release() -> Release:
    """Give the release that runs unless another is named."""
    return Release(KAFKA_VERSION, listed_jars())


def parse_list(text: str) -> tuple[Jar, ...]:
    """Read a list as `app.broker.lock` writes it."""
    return tuple(_parse(line) for line in text.splitlines() if line and not line.startswith("#"))


def _parse(line: str) -> Jar:
    sha512, size, coordinates = line.split()
    group, artifact, version = coordinates.split(":")
    return Jar(group, artifact, version, int(size), sha512)


def ensure_jars(
    folder: Path, *, show_progress: bool, jars: tuple[Jar, ...] | None = None
) -> list[Path]:
    """Return the class path: every jar in `folder`, checked; what is missing is fetched.

    `jars`: by default the committed list. A jar's SHA-512 is computed once, later starts compare
    size and modification time with the stamp that was left then. No network is used when all are
    there.
    Raises UserError: folder not writable, no network, a jar with another checksum.
    """
    jars = jars or listed_jars()
    if not _all_stamped(folder, jars):
        make_folder(folder, "set XDG_CACHE_HOME to a folder that you may write to")
        with locked(folder / ".lock"):
            _complete(folder, jars, show_progress)
    return [folder / jar.name for jar in jars]


def _complete(folder: Path, jars: tuple[Jar, ...], show_progress: bool) -> None:
    missing = [jar for jar in jars if not (folder / jar.name).exists()]
    if missing:
        # Imported here: the client costs a third of a second that later starts do not need.
        from app.broker.download import fetch

        fetch(missing, folder, show_progress=show_progress)
    known = _read_stamp(folder)
    for jar in jars:
        if known.get(jar.sha512) != _stamp_of(folder / jar.name):
            check(folder / jar.name, jar)
    stamp = {jar.sha512: _stamp_of(folder / jar.name) for jar in jars}
    write_whole(folder / _STAMP, json.dumps(stamp))


def check(path: Path, jar: Jar) -> None:
    """Compare a jar of the cache with the list; UserError names the file to delete."""
    with path.open("rb") as file:
        found = hashlib.file_digest(file, "sha512").hexdigest()
    if found != jar.sha512:
        raise UserError(
            f"wrong checksum: {path} is not the {jar.name} that streamjoin was built with;"
            " delete that file and start again"
        )


def _all_stamped(folder: Path, jars: tuple[Jar, ...]) -> bool:
    known = _read_stamp(folder)
    return all(
        jar.sha512 in known and known[jar.sha512] == _stamp_of(folder / jar.name) for jar in jars
    )


def _read_stamp(folder: Path) -> dict[str, list[int]]:
    try:
        stamp = json.loads((folder / _STAMP).read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return stamp if isinstance(stamp, dict) else {}


def _stamp_of(path: Path) -> list[int] | None:
    try:
        stat = path.stat()
    except OSError:
        return None
    return [stat.st_size, stat.st_mtime_ns]
