"""The broker's process: started detached, known by a mark of its own, ended with a bound.

A process id is used again after its process is gone. So each broker carries a random mark on
its command line, and only a process that shows the mark is ever signalled.
"""

import contextlib
import signal
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

from app.broker import children

if TYPE_CHECKING:
    from psutil._ntuples import pconn, sconn

_MARK = "-Dstreamjoin.run="
_FOLDER = "-Dstreamjoin.folder="


def spawn(java: Path, mark: str, folder: Path, arguments: Sequence[str], output: Path) -> int:
    """Start `java` in a session of its own, with none of our descriptors; return its pid.

    Output and errors go to the file `output`, which is emptied first.
    """
    command = [str(java), f"{_MARK}{mark}", f"{_FOLDER}{folder}", *arguments]
    with output.open("wb") as file:
        child = children.start(
            command,
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=file,
            start_new_session=True,
            cwd=folder,
        )
    return child.pid


def end_spawned(folder: Path) -> None:
    """SIGKILL to all that this process spawned for the folder, written down or not."""
    for child in children.naming(f"{_FOLDER}{folder}"):
        children.end(child)


def find(pid: int, mark: str) -> psutil.Process | None:
    """Return the live process `pid` if it is the one started with `mark`."""
    child = children.get(pid)
    if child is not None and child.poll() is not None:
        children.forget(pid)
    try:
        process = psutil.Process(pid)
        if process.status() == psutil.STATUS_ZOMBIE:
            return None
        # Our own child's pid cannot have gone to anybody else before we have waited for it.
        return process if children.get(pid) or _carries(process, mark) else None
    except psutil.Error:
        return None


def _carries(process: psutil.Process, mark: str) -> bool:
    # For a moment after it was started, a process shows no command line at all.
    for _ in range(20):
        command = process.cmdline()
        if command:
            return f"{_MARK}{mark}" in command
        time.sleep(0.01)
    return False


def terminate(process: psutil.Process, timeout: float) -> bool:
    """SIGTERM, and SIGKILL after `timeout` seconds; True if it ended by itself."""
    with contextlib.suppress(psutil.NoSuchProcess):
        process.terminate()
    if wait_end(process, timeout):
        return True
    kill(process)
    return False


def kill(process: psutil.Process) -> None:
    """SIGKILL, and wait for the end (at most 10 s)."""
    with contextlib.suppress(psutil.NoSuchProcess):
        process.send_signal(signal.SIGKILL)
    wait_end(process, 10)


def wait_end(process: psutil.Process, timeout: float | None) -> bool:
    """Wait for the process to end; False if it still runs after `timeout` seconds."""
    child = children.get(process.pid)
    try:
        if child is not None:
            child.wait(timeout)
            children.forget(process.pid)
        else:
            process.wait(timeout)
    except (subprocess.TimeoutExpired, psutil.TimeoutExpired):
        return False
    return True


def listens(process: psutil.Process, port: int) -> bool:
    """Whether this very process listens on `port`."""
    try:
        return any(is_listener(found, port) for found in process.net_connections("tcp"))
    except psutil.Error:
        return False


def is_listener(connection: "pconn | sconn", port: int) -> bool:
    """Whether the connection is a listening socket on `port`."""
    # The address is (host, port), or empty for a socket without one.
    return connection.status == psutil.CONN_LISTEN and connection.laddr[1:] == (port,)


def folder_of(process: psutil.Process) -> str:
    """The folder of the broker that this process is; "" if it is another program."""
    for argument in process.cmdline():
        if argument.startswith(_FOLDER):
            return argument.removeprefix(_FOLDER)
    return ""
