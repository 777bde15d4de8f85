"""Runs the generator in `java/` on a JDK of this machine."""

import json
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from app.broker.java import find_java
from app.errors import UserError
from tests.kafka_streams.jars import class_path
from tests.kafka_streams.shapes import Content, Event, KafkaRun, Shape, Update, Window

Job = tuple[Shape, Sequence[Event]]

_SOURCES = Path(__file__).with_name("java")
_PATIENCE_S = 600

NO_JDK = "no JDK 17 or newer: no java with its javac"


@dataclass(frozen=True, slots=True)
class Jdk:
    """A Java 17 or newer with its compiler."""

    java: Path
    javac: Path

    @classmethod
    def find(cls) -> "Jdk | None":
        """The one of JAVA_HOME or PATH; None if there is none with a compiler."""
        try:
            java = find_java().path
        except UserError:
            return None
        javac = java.resolve().with_name("javac")
        return cls(java, javac) if shutil.which(javac) else None

    def compile(self, sources: Path, into: Path, jars: str) -> None:
        """Compile every file of the folder `sources`; RuntimeError with the compiler's words."""
        files = sorted(sources.glob("*.java"))
        # No annotation is processed while compiling: Jackson reads its own at run time.
        flags = ("-Xlint:all", "-Werror", "-proc:none")
        _call(self.javac, *flags, "-d", into, "-cp", jars, *files)


class Generator:
    """The compiled generator. Its files lie in `folder`, which is the caller's to remove."""

    def __init__(self, jdk: Jdk, folder: Path) -> None:
        """Fetch the jars that are missing, and compile."""
        self._java = jdk.java
        self._folder = folder
        self._jars = class_path()
        jdk.compile(_SOURCES, folder, self._jars)

    def run(self, jobs: Sequence[Job]) -> list[KafkaRun]:
        """What Kafka Streams makes of each job."""
        written, results = self._folder / "jobs", self._folder / "results"
        _write_jobs(written, jobs)
        flags = ("-XX:+UseSerialGC", "-Xmx2g", f"-Djava.io.tmpdir={self._folder}")
        classes = f"{self._folder}:{self._jars}"
        _call(self._java, *flags, "-cp", classes, "Generate", written, results)
        with results.open(encoding="utf-8") as lines:
            return list(_read_runs(lines))


def _call(*command: str | Path) -> None:
    done = subprocess.run(command, capture_output=True, text=True, timeout=_PATIENCE_S, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"{command[0]} failed:\n{done.stdout}{done.stderr}")


def _write_jobs(path: Path, jobs: Sequence[Job]) -> None:
    with path.open("w", encoding="utf-8") as file:
        for shape, events in jobs:
            job = {
                "kind": shape.kind,
                "size": shape.size,
                "step": shape.step,
                "grace": shape.grace,
                "retention": shape.retention,
                "events": len(events),
            }
            file.write(json.dumps(job) + "\n")
            file.writelines(json.dumps(event) + "\n" for event in events)


def _read_runs(lines: Iterator[str]) -> Iterator[KafkaRun]:
    run = KafkaRun()
    for line in lines:
        what, *fields = json.loads(line)
        if what == "end":
            yield run
            run = KafkaRun()
        elif what == "d":
            run.skipped[fields[0]] = fields[1]
        elif what == "w":
            user, start, end, count, total = fields
            run.stored[Window(user, start, end)] = Content(count, total)
        else:
            updates = {"u": run.updates, "s": run.suppressed, "c": run.closed}[what]
            updates.append(_update(*fields))


def _update(
    index: int, user: str, start: int, end: int, count: int | None, total: int | None
) -> Update:
    content = None if count is None else Content(count, total)
    return Update(index, Window(user, start, end), content)
