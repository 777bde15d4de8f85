"""`EmbeddedBroker`: start, stop and ask after one Kafka node in a folder."""

import base64
import dataclasses
import time
import uuid
from collections.abc import Mapping
from pathlib import Path

import psutil

from app.broker import ports, process
from app.broker.folders import default_cache, locked
from app.broker.info import BrokerInfo, BrokerStatus
from app.broker.jars import Release, embedded_release, ensure_jars
from app.broker.java import Java, find_java
from app.broker.launch import START_S, Launcher, PortLostError
from app.broker.probe import answers
from app.broker.state import BrokerFolder, Identity, Run
from app.errors import UserError

_PORT_ATTEMPTS = 3
_STOP_S = 30.0


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
        cluster_id: str | None = None,
        cache: Path | None = None,
        show_progress: bool = False,
        release: Release | None = None,
        java: Java | None = None,
    ) -> None:
        """Describe the broker; nothing is started yet.

        `port` 0 takes the one used before in this folder if it is free, else any free one.
        `heap_mb` is Java's heap in MiB, `properties` are further server settings, which win
        over ours. `cluster_id` makes it one node of several: `properties` give its node id,
        listeners and all voters, and it answers as soon as most of these run. `cache` is the
        folder of the jars (default: `default_cache()`); `show_progress` draws a bar on stderr
        while they are fetched. `release`: another than the embedded one; `java`: another than
        `find_java` finds.
        """
        self._files = BrokerFolder(folder)
        self._port = port
        self._heap_mb = heap_mb
        self._properties = dict(properties or {})
        self._cluster_id = cluster_id
        self._release = release or embedded_release()
        self._java = java
        self._cache = cache or default_cache(self._release.version)
        self._show_progress = show_progress

    @property
    def folder(self) -> Path:
        """The broker's folder, absolute."""
        return self._files.root

    @property
    def previous_port(self) -> int | None:
        """The port of the last start in this folder; None if there was none."""
        run, identity = self._files.run(), self._files.identity()
        # A start that was killed has left what it ran, but not the identity's port.
        return (run.port if run else 0) or (identity.port if identity else 0) or None

    def start(self) -> BrokerInfo:
        """Start it, and return when it answers; nothing happens if it runs already.

        Raises UserError: port taken, folder not writable or of another cluster, no network at
        the very first start, a jar with a wrong checksum, no Java, a broker that ends at start.
        """
        if self._port and not self.status().running:
            ports.require_free(self._port)
        self._files.make()
        with locked(self._files.lock):
            running = self.status().info
            if running is not None and running.port and self._goes_on(running):
                return dataclasses.replace(running, already_running=True)
            self._end_left(_STOP_S)
            return self._start()

    def _end_left(self, timeout: float) -> psutil.Process | None:
        """End what runs, and what an interrupted start has left before it was written down."""
        alive = self._process()
        if alive is not None:
            process.terminate(alive, timeout)
        process.end_spawned(self._files.root)
        return alive

    def _goes_on(self, running: BrokerInfo) -> bool:
        """Wait until what runs already answers; False if it ends instead. Raises UserError."""
        if self._port not in (0, running.port):
            raise UserError(
                f"the broker of {self.folder} already runs, on port {running.port};"
                f" stop it first: streamjoin broker stop --dir {self.folder}"
            )
        deadline = time.monotonic() + START_S
        while time.monotonic() < deadline:
            alive = self._process()
            if alive is None:
                return False
            if process.listens(alive, running.port) and answers(running.bootstrap):
                return True
            process.wait_end(alive, 0.1)
        raise UserError(
            f"the broker of {self.folder} runs, but does not answer;"
            f" stop it: streamjoin broker stop --dir {self.folder}"
        )

    def _start(self) -> BrokerInfo:
        identity = self._files.adopt(self._cluster_id or new_cluster_id())
        release, show = self._release, self._show_progress
        jars = ensure_jars(self._cache, show_progress=show, jars=release.jars)
        java, alone = self._java or find_java(), self._cluster_id is None
        launcher = Launcher(
            self._files, java, jars, self._heap_mb, self._properties, alone, show, release.version
        )
        for _ in range(_PORT_ATTEMPTS):
            port = self._port or _free(identity.port)
            try:
                run = launcher.launch(port, identity.cluster_id)
            except PortLostError:
                if self._port:
                    ports.require_free(self._port)
                continue
            self._files.write_identity(Identity(identity.cluster_id, port))
            return self._info(run)
        raise UserError(f"lost a free port {_PORT_ATTEMPTS} times to others; start again")

    def stop(self, timeout: float = _STOP_S) -> bool:
        """Stop it gracefully, and kill it after `timeout` seconds; False if it did not run."""
        ended = self._end_left(timeout)
        self._files.write_run(None)
        return ended is not None

    def kill(self) -> None:
        """End it at once with SIGKILL, as a crash would; the next start recovers its data."""
        alive = self._process()
        if alive is not None:
            process.kill(alive)

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until the process has ended; False if it still runs after `timeout` seconds."""
        alive = self._process()
        return alive is None or process.wait_end(alive, timeout)

    def was_stopped(self) -> bool:
        """Whether it ended because somebody called `stop`, rather than by itself."""
        return self._files.run() is None

    def status(self) -> BrokerStatus:
        """Say whether it runs, and what is known of it."""
        run, alive = self._files.run(), self._process()
        try:
            rss = int(alive.memory_info().rss) if alive is not None else 0
        except psutil.NoSuchProcess:
            alive = None
        if run is None or alive is None:
            return BrokerStatus(running=False, folder=self.folder)
        return BrokerStatus(True, self.folder, self._info(run), rss, run.started_at)

    def _process(self) -> psutil.Process | None:
        run = self._files.run()
        return process.find(run.pid, run.mark) if run else None

    def _info(self, run: Run) -> BrokerInfo:
        bootstrap = f"127.0.0.1:{run.port}"
        return BrokerInfo(bootstrap, run.port, run.pid, run.version, run.java, self.folder)


def _free(before: int) -> int:
    """The port that was used before, if it can be had again, so that clients find it."""
    return before if before and ports.is_free(before) else ports.free_port()


def new_cluster_id() -> str:
    """A random id as Kafka makes them: 16 bytes in URL-safe base64, not starting with a dash."""
    text = "-"
    while text.startswith("-"):
        text = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
    return text
