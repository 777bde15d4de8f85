"""Java's class data sharing: an archive of parsed classes, which halves the CPU of every start.

The first start notes the classes that Kafka loads; from that list Java writes the archive, once
for each Java and set of jars, beside the jars. Java itself checks that an archive fits, and
starts without one that does not.
"""

import contextlib
import hashlib
import subprocess
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from app.broker import children
from app.broker.folders import locked
from app.broker.java import Java

_DUMP_S = 180.0


@dataclass(frozen=True, slots=True)
class ClassArchive:
    """The archive for one Java and one class path."""

    java: Java
    class_path: str
    cache: Path

    @property
    def _path(self) -> Path:
        key = f"{self.java.path.resolve()}\n{self.java.version}\n{self.class_path}"
        return self.cache / f"classes-{hashlib.sha256(key.encode()).hexdigest()[:16]}.jsa"

    @property
    def _given_up(self) -> Path:
        """Marks a Java that cannot write archives, so that it is asked once only."""
        return self._path.with_suffix(".none")

    @property
    def is_missing(self) -> bool:
        """Whether it is still to be written."""
        return not self._path.exists() and not self._given_up.exists()

    def use_flags(self) -> list[str]:
        """Flags that start Java with the archive; none if there is none."""
        return [f"-XX:SharedArchiveFile={self._path}"] if self._path.exists() else []

    def note_flags(self, scratch: Path) -> list[str]:
        """Flags that make Java note the classes it loads; none if that is not needed."""
        if not self.is_missing:
            return []
        return ["-XX:+IgnoreUnrecognizedVMOptions", f"-XX:DumpLoadedClassList={_list(scratch)}"]

    def write(self, scratch: Path, *, show_progress: bool) -> None:
        """Write the archive from the classes noted in `scratch`; some seconds.

        No error if Java cannot: later starts are merely slower. What it said then is in the
        `.none` file beside the jars.
        """
        status = Console(stderr=True).status("Preparing Java for quick starts, once")
        shown = status if show_progress else contextlib.nullcontext()
        with shown, locked(self.cache / ".lock"):
            if self.is_missing:
                self._dump(scratch)

    def _dump(self, scratch: Path) -> None:
        # In the cache, not in scratch: a rename works within one file system only.
        new = self._path.with_suffix(".part")
        command = [str(self.java.path), "-Xshare:dump", f"-XX:SharedArchiveFile={new}"]
        command += [f"-XX:SharedClassListFile={_list(scratch)}", "-cp", self.class_path]
        try:
            answer = children.run(command, _DUMP_S)
        except subprocess.TimeoutExpired:
            self._give_up(f"no archive after {_DUMP_S:.0f} s")
        else:
            if answer.returncode == 0 and new.exists():
                new.replace(self._path)
            else:
                self._give_up(answer.stderr or answer.stdout)

    def _give_up(self, words: str) -> None:
        self._path.with_suffix(".part").unlink(missing_ok=True)
        self._given_up.write_text(words, "utf-8")


def _list(scratch: Path) -> Path:
    return scratch / "classes.lst"
