"""Writes `jars.txt` anew: `python -m app.broker.lock`. For maintainers, after a new version.

Resolves Kafka and the logging binding that its distribution ships with, fetches what that gives
and notes sizes and SHA-512s. Look at the difference before you commit it.
"""

import hashlib
import sys
from pathlib import Path

import jgo

from app.broker.jars import KAFKA_VERSION

_LOGGING = "org.apache.logging.log4j:log4j-slf4j-impl:2.25.4"


def main() -> None:
    """Write the list next to this file."""
    write_list(Path(__file__).with_name("jars.txt"), KAFKA_VERSION, "app.broker.lock")


def write_list(target: Path, version: str, module: str, *more: str) -> None:
    """Resolve a version of Kafka and `more` coordinates, hash, write; `module`: who asks."""
    lines: dict[str, str] = {}
    for root in (f"org.apache.kafka:kafka_2.13:{version}", _LOGGING, *more):
        for artifact in jgo.resolve(root):
            data = artifact.resolve().read_bytes()
            coordinates = f"{artifact.groupId}:{artifact.artifactId}:{artifact.version}"
            digest = hashlib.sha512(data).hexdigest()
            lines[coordinates] = f"{digest} {len(data)} {coordinates}"
    head = f"# SHA-512, bytes, Maven coordinates; written by `python -m {module}`\n"
    target.write_text(head + "".join(f"{line}\n" for line in lines.values()), "utf-8")
    sys.stdout.write(f"{target}: {len(lines)} jars\n")


if __name__ == "__main__":
    main()
