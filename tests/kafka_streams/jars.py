"""The jars of Kafka Streams and its test driver, beside those of the broker and fetched like them.

`jars.txt` holds the SHA-512, size and Maven coordinates of those that the broker does not have;
`python -m tests.kafka_streams.jars` writes it anew, after a new version of Kafka. rocksdbjni is not
among them: all stores of the vectors are in memory.
"""

import hashlib
import sys
from collections.abc import Collection, Sequence
from pathlib import Path

from jgo.maven import MavenContext

from app.broker.download import fetch
from app.broker.folders import default_cache, locked, make_folder
from app.broker.jars import KAFKA_VERSION, Jar, check, listed_jars

GROUP = "org.apache.kafka"
OWN = ("kafka-streams", "kafka-streams-test-utils")
SHARED = (
    "kafka-clients",
    "slf4j-api",
    "jackson-annotations",
    "jackson-core",
    "jackson-databind",
)
"""Artifacts of the broker's list that are needed here too. No logging binding: each dropped record
would be a warning."""

_LIST = Path(__file__).with_name("jars.txt")


def listed(path: Path = _LIST) -> tuple[Jar, ...]:
    """What a committed list holds."""
    lines = path.read_text("utf-8").splitlines()
    return tuple(_parse(line) for line in lines if not line.startswith("#"))


def _parse(line: str) -> Jar:
    sha512, size, coordinates = line.split()
    group, artifact, version = coordinates.split(":")
    return Jar(group, artifact, version, int(size), sha512)


def class_path(more: Sequence[Jar] = (), shared: Collection[str] = SHARED) -> str:
    """Every jar, checked; what is missing is fetched, which needs the network once.

    `more`: beside those of this list; `shared`: artifacts of the broker's list.
    Raises UserError: no network, or other bytes than the list's.
    """
    folder = default_cache()
    jars = [*listed(), *more, *(jar for jar in listed_jars() if jar.artifact in shared)]
    make_folder(folder, "set XDG_CACHE_HOME to a folder that you may write to")
    with locked(folder / ".lock"):
        if missing := [jar for jar in jars if not (folder / jar.name).exists()]:
            fetch(missing, folder, show_progress=False)
    for jar in jars:
        check(folder / jar.name, jar)
    return ":".join(str(folder / jar.name) for jar in jars)


def main() -> None:
    """Fetch what is OWN with jgo, note sizes and SHA-512s."""
    lines = ["# SHA-512, bytes, Maven coordinates: what app/broker/jars.txt does not have"]
    for name in OWN:
        project = MavenContext().project(GROUP, name)
        data = project.at_version(KAFKA_VERSION).artifact().resolve().read_bytes()
        digest = hashlib.sha512(data).hexdigest()
        lines.append(f"{digest} {len(data)} {GROUP}:{name}:{KAFKA_VERSION}")
    _LIST.write_text("".join(f"{line}\n" for line in lines), "utf-8")
    sys.stdout.write(f"{_LIST}: {len(OWN)} jars\n")


if __name__ == "__main__":
    main()
