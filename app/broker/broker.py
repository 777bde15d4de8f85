"""`EmbeddedBroker`: start, stop and ask after one Kafka node in a folder."""

import base64
import os
import shutil
import subprocess
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import psutil

from app.broker import config, process
from app.broker.folders import default_cache, locked, write_whole
from app.broker.jars import KAFKA_VERSION, ensure_jars
from app.broker.java import Java, find_java
from app.broker.probe import answers
from app.broker.state import BrokerFolder, Identity, Run
from app.errors import UserError

_START_S = 60.0
_PORT_ATTEMPTS = 3


@dataclass(frozen=True, slots=True)
class BrokerInfo:
    """A running broker: where to connect (`127.0.0.1:PORT`), its process, its files.

    `java` is the version with where it was found; `already_running` says that `start` found it.
    """

    bootstrap: str
    port: int
    pid: int
    version: str
    java: str
    folder: Path
    already_running: bool = False


@dataclass(frozen=True, slots=True)
class BrokerStatus:
    """What is known of a folder's broker; `info` and `rss_bytes` are None when it is stopped."""

    running: bool
    folder: Path
    info: BrokerInfo | None = None
    rss_bytes: int | None = None
    started_at: float | None = None


class _PortLostError(Exception):
    """Somebody took the port between our look and the broker's."""


class EmbeddedBroker:
    """The real Apache Kafka, one KRaft node on 127.0.0.1, with its data in a folder.

    All methods block (from a coroutine: `await asyncio.to_thread(broker.start)`). The process
    is detached: it outlives its starter, and another `EmbeddedBroker` on the same folder, in
    another process too, can ask after it or stop it.
    """

    def __init__(
        self,
        folder: Path,
        port: int = 0,
        *,
        heap_mb: int = 384,
        properties: Mapping[str, str] | None = None,
        cache: Path | None = None,
        show_progress: bool = False,
    ) -> None:
        """Describe the broker; nothing is started yet.

        `port` 0 takes the one used before in this folder if it is free, else any free one.
        `heap_mb` is Java's heap in MiB, `properties` are further server settings, which win
        over ours. `cache` is the folder of the jars (default: `default_cache()`);
        `show_progress` draws a bar on stderr while they are fetched.
        """
        self._files = BrokerFolder(folder)
        self._port = port
        self._heap_mb = heap_mb
        self._properties = dict(properties or {})
        self._cache = cache or default_cache(KAFKA_VERSION)
        self._show_progress = show_progress

    @property
    def folder(self) -> Path:
        """The broker's folder, absolute."""
        return self._files.root

    def start(self) -> BrokerInfo:
        """Start it, and return when it answers; nothing happens if it runs already.

        Raises UserError: port taken, folder not writable or of another cluster, no network at
        the very first start, a jar with a wrong checksum, no Java, a broker that ends at start.
        """
        self._files.prepare()
        with locked(self._files.lock):
            running = self.status().info
            if running is not None:
                return self._same_port(running)
            return self._start()

    def _same_port(self, running: BrokerInfo) -> BrokerInfo:
        if self._port not in (0, running.port):
            raise UserError(
                f"the broker of {self.folder} already runs, on port {running.port};"
                f" stop it first: streamjoin broker stop --dir {self.folder}"
            )
        return BrokerInfo(
            running.bootstrap,
            running.port,
            running.pid,
            running.version,
            running.java,
            running.folder,
            already_running=True,
        )

    def _start(self) -> BrokerInfo:
        if self._port and not process.is_free(self._port):
            raise _taken(self._port)
        jars = ensure_jars(self._cache, show_progress=self._show_progress)
        java = find_java()
        for _ in range(_PORT_ATTEMPTS):
            port = self._choose_port()
            try:
                return self._launch(java, jars, port)
            except _PortLostError:
                if self._port:
                    raise _taken(self._port) from None
        raise UserError(f"found no free port in {_PORT_ATTEMPTS} attempts; name one with --port")

    def _choose_port(self) -> int:
        if self._port:
            return self._port
        before = self._files.identity()
        if before is not None and before.port and process.is_free(before.port):
            return before.port
        return process.free_port()

    def _launch(self, java: Java, jars: list[Path], port: int) -> BrokerInfo:
        files = self._files
        before = files.identity()
        identity = Identity(before.cluster_id if before else _new_cluster_id(), port)
        files.write_identity(identity)
        self._write_settings(port)
        shutil.rmtree(files.root / "tmp", ignore_errors=True)
        (files.root / "tmp").mkdir()
        flags = [*config.java_flags(self._heap_mb, files.root), "-cp", _class_path(jars)]
        if not files.data.exists():
            self._format(java, flags, identity.cluster_id)
        mark = uuid.uuid4().hex
        arguments = [*flags, "kafka.Kafka", str(files.properties)]
        pid = process.spawn(java.path, mark, files.root, arguments, files.logs / "console.log")
        described = f"{java.version} ({java.origin}: {java.path})"
        files.write_run(Run(pid, mark, port, KAFKA_VERSION, described, time.time()))
        try:
            self._await_answer(pid, mark, port)
        except BaseException:
            self._end(process.find(pid, mark))
            raise
        info = self.status().info
        if info is None:
            raise self._died()
        return info

    def _write_settings(self, port: int) -> None:
        files = self._files
        text = config.server_properties(port, process.free_port(), files.data, self._properties)
        write_whole(files.properties, text)
        write_whole(files.root / "log4j2.properties", config.logging_properties())

    def _format(self, java: Java, flags: list[str], cluster_id: str) -> None:
        """Let Kafka's own tool lay out an empty data folder, whole or not at all."""
        files = self._files
        new = files.root / "data.new"
        shutil.rmtree(new, ignore_errors=True)
        settings = files.root / "format.properties"
        write_whole(settings, config.server_properties(1, 2, new, self._properties))
        command = [str(java.path), *flags, "kafka.tools.StorageTool", "format"]
        answer = subprocess.run(  # noqa: S603 - no shell, our own arguments
            [*command, "--cluster-id", cluster_id, "--config", str(settings)],
            capture_output=True,
            text=True,
            check=False,
            timeout=_START_S,
        )
        if answer.returncode != 0:
            words = (answer.stderr or answer.stdout).strip().splitlines()[-1:]
            raise UserError(f"Kafka could not lay out {new}: {' '.join(words)}")
        new.rename(files.data)
        settings.unlink()

    def _await_answer(self, pid: int, mark: str, port: int) -> None:
        deadline = time.monotonic() + _START_S
        while time.monotonic() < deadline:
            alive = process.find(pid, mark)
            if alive is None:
                if not process.is_free(port):
                    raise _PortLostError
                raise self._died()
            if process.listens(alive, port) and answers(f"127.0.0.1:{port}"):
                return
            process.wait_end(alive, 0.05)
        raise UserError(
            f"the broker did not answer within {_START_S:.0f} s and was ended;"
            f" see {self._files.logs}"
        )

    def _died(self) -> UserError:
        words = self._files.last_words() or "nothing"
        return UserError(
            f"the broker ended while starting; it said: {words}; more in {self._files.logs}"
        )

    def stop(self, timeout: float = 30.0) -> bool:
        """Stop it gracefully, and kill it after `timeout` seconds; False if it did not run."""
        if not self._files.root.is_dir():
            return False
        run = self._files.run()
        alive = process.find(run.pid, run.mark) if run else None
        if run is not None:
            self._end(alive, timeout)
        return alive is not None

    def kill(self) -> None:
        """End it at once with SIGKILL, as a crash would; its data is recovered at the next start."""
        self._end(self._process(), 0.0, graceful=False)

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until the process has ended; False if it still runs after `timeout` seconds."""
        alive = self._process()
        return alive is None or process.wait_end(alive, timeout)

    def status(self) -> BrokerStatus:
        """Say whether it runs, and what is known of it."""
        run = self._files.run()
        alive = process.find(run.pid, run.mark) if run else None
        if run is None or alive is None:
            return BrokerStatus(running=False, folder=self.folder)
        info = BrokerInfo(
            f"127.0.0.1:{run.port}", run.port, run.pid, run.version, run.java, self.folder
        )
        try:
            rss = int(alive.memory_info().rss)
        except psutil.NoSuchProcess:
            return BrokerStatus(running=False, folder=self.folder)
        return BrokerStatus(True, self.folder, info, rss, run.started_at)

    def _process(self) -> psutil.Process | None:
        run = self._files.run()
        return process.find(run.pid, run.mark) if run else None

    def _end(
        self, alive: psutil.Process | None, timeout: float = 5.0, *, graceful: bool = True
    ) -> None:
        if alive is not None and graceful:
            process.terminate(alive, timeout)
        elif alive is not None:
            process.kill(alive)
        self._files.write_run(None)


def _class_path(jars: list[Path]) -> str:
    return os.pathsep.join(map(str, jars))


def _new_cluster_id() -> str:
    """A random id as Kafka makes them: 16 bytes in URL-safe base64, not starting with a dash."""
    text = "-"
    while text.startswith("-"):
        text = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
    return text


def _taken(port: int) -> UserError:
    who = process.holder(port)
    by = f" by {who}" if who else ""
    return UserError(f"port {port} is taken{by}; choose another with --port, or end that one")
