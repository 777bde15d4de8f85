"""Compiles and starts the Java application in `java/`; its jars are checked against lists."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from app.errors import UserError
from benchmarks import kafka
from benchmarks.measure import RunFailedError, Worker
from tests.kafka_streams.jars import SHARED, class_path, listed
from tests.kafka_streams.jvm import Jdk

HERE = Path(__file__).parent
APP_ID = "users-kafka-streams"
OUTPUTS = ("event-counts-per-5min", "moving-averages", "user-sessions")
STORES = ("counts", "hopping", "averages", "sessions", "totals", "everybody")
FLAGS = ("-XX:+UseSerialGC", "-Xmx1g")
"""One stream thread on shared cores: the serial collector costs the least CPU."""

_LZ4 = "lz4-java"
"""The input is compressed with it."""
_VOLUME = re.compile(r"^changelog: (\d+) records, (\d+) bytes$", re.MULTILINE)


class Application:
    """The application of one run: its group, its topics, its process."""

    def __init__(
        self, jdk: Jdk, broker: str, topic: str, folder: Path, flags: Sequence[str] = FLAGS
    ) -> None:
        """Fetch the jars that are missing, and compile into `folder`, which is made.

        `topic`: the input; `flags`: of the JVM. RunFailedError: no network, wrong checksum.
        """
        self._java, self._broker, self._topic, self._folder = jdk.java, broker, topic, folder
        self.app_id, self._flags = APP_ID, flags
        self._classes = folder / "classes"
        self._classes.mkdir(parents=True)
        try:
            self._jars = class_path(listed(HERE / "jars.txt"), (*SHARED, _LZ4))
            jdk.compile(HERE / "java", self._classes, self._jars)
        except (UserError, RuntimeError) as error:
            raise RunFailedError(str(error)) from error

    async def create_topics(self, partitions: int) -> None:
        """Create the outputs; the changelogs it creates by itself."""
        names = [self.output(name) for name in OUTPUTS]
        await kafka.create_topics(self._broker, names, partitions, kafka.OUTPUT_CONFIGS)

    def output(self, name: str) -> str:
        """Name one of OUTPUTS as it is on the broker."""
        return f"{self.app_id}-{name}"

    def changelog(self, store: str) -> str:
        """Name the changelog of one of STORES."""
        return f"{self.app_id}-{store}-changelog"

    def start(self) -> Worker:
        """Start it; SIGTERM ends it."""
        paths = f"{self._classes}:{self._jars}"
        flags = [*self._flags, f"-Djava.io.tmpdir={self._folder}", "-cp", paths]
        arguments = [self._broker, self._topic, self.app_id, str(self._folder / "state")]
        argv = [str(self._java), *flags, "UserEvents", *arguments]
        return Worker(argv, {}, self._folder / "log")

    def changelog_volume(self) -> tuple[int, int]:
        """Return the records sent to the changelogs, and the bytes of keys and values in them.

        Of the process that has ended. Raises RunFailedError if it did not end as it should.
        """
        log = (self._folder / "log").read_text(errors="replace")
        if not (found := _VOLUME.search(log)):
            raise RunFailedError(f"it did not say what it wrote:\n{log[-2000:]}")
        return int(found[1]), int(found[2])
