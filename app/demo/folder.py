"""The folder of one run, and what earlier runs that were killed have left.

Each run has a folder of its own under the demo's: a second run starts empty, and two run beside
each other. A run holds a lock on its folder, so that a folder without one is a dead run's.
"""

import contextlib
import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Final

import psutil

from app.broker import EmbeddedBroker, default_folder, ports, process
from app.broker.folders import locked, make_folder
from app.errors import UserError

_PREFIX: Final = "run-"
_PORTS_TRIED: Final = 100


def default_demo_folder() -> Path:
    """`streamjoin/demo` in the user's data folder."""
    return default_folder().with_name("demo")


class RunFolder:
    """Everything that one run writes: `broker`, `worker` (its state) and `worker.log`."""

    def __init__(self, root: Path) -> None:
        """Name a folder; nothing is made."""
        self.root = root
        self.base = root.parent
        self.broker = root / "broker"
        self.worker = root / "worker"
        self.log = root / "worker.log"

    def clear(self, *, but_logs: bool = False) -> None:
        """End a broker that still runs in it, and remove it, or only what is large."""
        end_broker(self.broker)
        large = [self.broker / "data", self.worker]
        for folder in large if but_logs else [self.root]:
            shutil.rmtree(folder, ignore_errors=True)


def end_broker(folder: Path) -> None:
    """End the broker of a folder; its data are of no use afterwards."""
    with contextlib.suppress(UserError):
        EmbeddedBroker(folder).stop(timeout=10)
    # One that was started a moment ago may not be written down yet.
    for found in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if process.folder_of(found) == str(folder.absolute()):
                process.kill(found)


@contextlib.contextmanager
def run_folder(base: Path) -> Iterator[RunFolder]:
    """Make a run's folder under `base`, and hold it; what dead runs have left there is removed.

    The caller clears it, or leaves its logs for a look: the next run removes it. Raises UserError
    where it cannot be written.
    """
    base = base.expanduser().absolute()
    make_folder(base, "name another with --dir")
    with contextlib.ExitStack() as stack:
        with locked(base / ".lock"):
            _clear_dead(base)
            root = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=base))
            held = _hold(root / ".lock")
        if held is not None:
            stack.enter_context(held)
        yield RunFolder(root)


def _clear_dead(base: Path) -> None:
    for root in base.glob(f"{_PREFIX}*"):
        held = _hold(root / ".lock")
        if held is not None:
            RunFolder(root).clear()
            held.close()


def _hold(path: Path) -> IO[str] | None:
    """Lock a file for as long as it is open; None where another process holds it."""
    file = path.open("a")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        file.close()
        return None
    return file


def _held_ports() -> Path:
    folder = Path(tempfile.gettempdir()) / f"streamjoin-demo-ports-{os.getuid()}"
    make_folder(folder, "remove it")
    return folder


@contextlib.contextmanager
def web_port(first: int, *, only: bool) -> Iterator[int]:
    """Give a port to serve on, from `first` up, that no other demo of this user will take.

    `only`: that port or none. Raises UserError, with who has it.
    """
    if only:
        ports.require_free(first)
    for port in range(first, min(first + _PORTS_TRIED, 65_536)):
        held = _hold(_held_ports() / str(port)) if ports.is_free(port) else None
        if held is not None:
            with held:
                yield port
            return
        if only:
            raise UserError(f"port {port} is another demo's; choose another with --web-port")
    raise UserError(f"no free port from {first} on; choose one with --web-port")
