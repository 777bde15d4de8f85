"""After a crash: the broker that died leaves the cluster's metadata before it starts again.

A killed broker stands in the metadata as alive until its session ends. Kafka 4.3.1, started
again on these metadata, first leads its old partitions and takes up the transactions whose
commit was accepted but not yet marked in the partitions; when the old session ends, they have no
leader for a moment, Kafka takes them for deleted and drops the markers ("likely deleted already
and hence can be skipped"): committed records that no read_committed reader ever sees. So the
controller alone runs first, with a short session, until it has fenced the dead broker; a broker
that starts as fenced takes up such transactions once, after it leads again.
"""

import re
import time
import uuid
from collections.abc import Sequence
from pathlib import Path

from app.broker import config, ports, process
from app.broker.folders import write_whole
from app.broker.jars import KAFKA_VERSION
from app.broker.java import Java
from app.broker.state import BrokerFolder, Run

_ACTIVE = "Performing controller activation"
_FENCED = re.compile(r"modifying the registration for broker 1: .*\bfenced=1,")
_TOTAL_S = 60.0
_QUIET_S = 4.0
"""An active controller that fences nobody for so long has nobody to fence."""


def is_needed(files: BrokerFolder) -> bool:
    """Whether the broker was started once and did not end by `stop`."""
    started = (files.data / "__cluster_metadata-0").exists()
    clean = (files.data / ".kafka_cleanshutdown").exists() and files.run() is None
    return started and not clean


def fence(files: BrokerFolder, java: Java, command: Sequence[str]) -> None:
    """Run the controller alone until it has fenced the dead broker; takes two or three seconds.

    `command` are the flags and the class path. If it does not succeed, the start that follows
    waits for the end of the old session instead.
    """
    settings, logging = files.root / "fence.properties", files.root / "fence.log4j2.properties"
    log = files.logs / "fence.log"
    log.unlink(missing_ok=True)
    write_whole(settings, config.controller_properties(ports.free_port(), files.data))
    write_whole(logging, config.logging_properties("fence", config.FENCING_LOGGERS))
    mark = uuid.uuid4().hex
    arguments = [*command, f"-Dlog4j2.configurationFile={logging.as_uri()}", "kafka.Kafka"]
    console = files.logs / "console.log"
    pid = process.spawn(java.path, mark, files.root, [*arguments, str(settings)], console)
    # So that `stop` ends it too, if we are killed now.
    files.write_run(Run(pid, mark, 0, KAFKA_VERSION, str(java), time.time()))
    try:
        _await_fenced(pid, mark, log)
    finally:
        alive = process.find(pid, mark)
        if alive is not None:
            process.terminate(alive, 10)
    settings.unlink()
    logging.unlink()


def _await_fenced(pid: int, mark: str, log: Path) -> None:
    deadline, active = time.monotonic() + _TOTAL_S, False
    while time.monotonic() < deadline:
        alive = process.find(pid, mark)
        said = log.read_text("utf-8", "replace") if log.exists() else ""
        # What stands before it is the replay of the past.
        _, now_active, since = said.partition(_ACTIVE)
        if alive is None or _FENCED.search(since):
            return
        if now_active and not active:
            active, deadline = True, time.monotonic() + _QUIET_S
        process.wait_end(alive, 0.05)
