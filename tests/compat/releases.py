"""Which releases of Kafka the service is tried on, with their jars and a Java that runs them.

`jars/VERSION.txt` holds a release's jars, as app/broker/jars.txt the embedded one's;
`python -m tests.compat.lock` writes them anew.
"""

from pathlib import Path
from typing import Final

from app.broker import KAFKA_VERSION
from app.broker.jars import Release, embedded_release, parse_list
from app.broker.java import Java, find_java, version_of
from app.errors import UserError

LISTS: Final = Path(__file__).with_name("jars")
OTHERS: Final = ("4.0.2", "3.9.2", "3.6.2", "3.5.2")
"""The newest patch of each."""
NEWEST_JAVA_OF_3: Final = 21
"""Kafka 3 was released for Java up to 17, 3.7 and newer up to 21; from 24 on Java has no security
manager, which its clients ask for."""
_INSTALLED: Final = Path("/usr/lib/jvm")


def release(version: str) -> Release:
    """Give the release with its jars; KeyError where it has no list."""
    if version == KAFKA_VERSION:
        return embedded_release()
    path = LISTS / f"{version}.txt"
    return Release(version, parse_list(path.read_text("utf-8")))


def java_for(version: str) -> Java:
    """Give a Java that runs it. Raises UserError where this machine has none."""
    found = find_java()
    if not version.startswith("3.") or found.major <= NEWEST_JAVA_OF_3:
        return found
    for path in sorted(_INSTALLED.glob("*/bin/java")):
        text = version_of(path)
        if (
            text is not None
            and (java := Java(path, text, str(_INSTALLED))).major <= NEWEST_JAVA_OF_3
        ):
            return java
    raise UserError(
        f"Kafka {version} runs on no Java newer than {NEWEST_JAVA_OF_3}: install one, and name it "
        "by JAVA_HOME"
    )
