"""From settings to a broker that answers: Kafka's files, its process, the wait for it."""

import os
import shutil
import time
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from app.broker import children, config, fence, ports, process
from app.broker.classes import ClassArchive
from app.broker.folders import write_whole
from app.broker.jars import KAFKA_VERSION
from app.broker.java import Java
from app.broker.probe import answers
from app.broker.state import BrokerFolder, Run
from app.errors import UserError

START_S = 150.0
"""Seconds that a start may take."""


class PortLostError(Exception):
    """Somebody took a port between our look and the broker's."""


@dataclass(frozen=True, slots=True)
class Launcher:
    """What every start of one broker needs: its files, Java, jars, heap and settings.

    `alone`: it is the whole cluster, so that nobody else fences it after a crash.
    """

    files: BrokerFolder
    java: Java
    jars: Sequence[Path]
    heap_mb: int
    properties: Mapping[str, str]
    alone: bool
    show_progress: bool
    version: str = KAFKA_VERSION

    def launch(self, port: int, cluster_id: str) -> Run:
        """Start the broker on `port` and return when it answers.

        Raises PortLostError, and UserError if it ends or does not answer in time;
        no process is left then.
        """
        files = self.files
        shutil.rmtree(files.scratch, ignore_errors=True)
        files.scratch.mkdir()
        write_whole(files.logging, config.logging_properties())
        if not files.data.exists():
            self._lay_out(cluster_id)
        if self.alone and fence.is_needed(files):
            fence.fence(files, self.java, self._command())
        controller = ports.free_port()
        self._write_settings(files.properties, port, controller, files.data)
        said_before = files.log_size()
        run = self._spawn(port)
        try:
            self._await_answer(run, (port, controller), said_before)
            if self._archive.is_missing:
                self._archive.write(files.scratch, show_progress=self.show_progress)
        except BaseException:
            started = process.find(run.pid, run.mark)
            if started is not None:
                process.terminate(started, 5)
            files.write_run(None)
            raise
        return run

    def _write_settings(self, path: Path, port: int, controller: int, data: Path) -> None:
        write_whole(path, config.server_properties(port, controller, data, self.properties))

    def _command(self) -> list[str]:
        flags = config.java_flags(self.java.major, self.heap_mb, self.files.root)
        return [*flags, *self._archive.use_flags(), "-cp", self._class_path]

    @property
    def _class_path(self) -> str:
        return os.pathsep.join(map(str, self.jars))

    @property
    def _archive(self) -> ClassArchive:
        return ClassArchive(self.java, self._class_path, self.jars[0].parent)

    def _lay_out(self, cluster_id: str) -> None:
        """Let Kafka's own tool lay out an empty data folder, whole or not at all."""
        new = self.files.root / "data.new"
        shutil.rmtree(new, ignore_errors=True)
        settings = self.files.root / "format.properties"
        self._write_settings(settings, 1, 2, new)
        tool = ["kafka.tools.StorageTool", "format", "--cluster-id", cluster_id]
        command = [str(self.java.path), *self._command(), *tool, "--config", str(settings)]
        answer = children.run(command, START_S)
        if answer.returncode != 0:
            words = (answer.stderr or answer.stdout).strip().splitlines()[:2]
            raise UserError(f"Kafka could not lay out {new}: {' '.join(words)}")
        settings.unlink()
        new.rename(self.files.data)

    def _spawn(self, port: int) -> Run:
        files = self.files
        mark = uuid.uuid4().hex
        notes = self._archive.note_flags(files.scratch)
        arguments = [*notes, *self._command(), "kafka.Kafka", str(files.properties)]
        console = files.logs / "console.log"
        pid = process.spawn(self.java.path, mark, files.root, arguments, console)
        run = Run(pid, mark, port, self.version, str(self.java), time.time())
        # Written before it answers, so that `stop` ends it even if this process is killed now.
        files.write_run(run)
        return run

    def _await_answer(self, run: Run, needed: tuple[int, int], said_before: int) -> None:
        deadline = time.monotonic() + START_S
        while time.monotonic() < deadline:
            alive = process.find(run.pid, run.mark)
            if alive is None:
                if not all(map(ports.is_free, needed)):
                    raise PortLostError
                raise self._died(said_before)
            if process.listens(alive, run.port) and answers(f"127.0.0.1:{run.port}"):
                return
            process.wait_end(alive, 0.1)
        raise UserError(
            f"the broker did not answer within {START_S:.0f} s and was ended; see {self.files.logs}"
        )

    def _died(self, said_before: int) -> UserError:
        words = self.files.last_words(said_before) or "nothing"
        return UserError(
            f"the broker ended while starting; it said: {words}; more in {self.files.logs}"
        )
