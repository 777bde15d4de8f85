"""The broker's process: started detached, known by a mark of its own, ended with a bound.

A process id is used again after its process is gone. So each broker carries a random mark on
its command line, and only a process that shows the mark is ever signalled.
"""

import contextlib
import signal
import socket
import subprocess
from collections.abc import Sequence
from pathlib import Path

import psutil

_MARK = "-Dstreamjoin.run="
_FOLDER = "-Dstreamjoin.folder="

_children: dict[int, "subprocess.Popen[bytes]"] = {}
"""Processes that this one started: an ended child must be waited for, or it stays a zombie."""


def spawn(java: Path, mark: str, folder: Path, arguments: Sequence[str], output: Path) -> int:
    """Start `java` in a session of its own, with none of our descriptors; return its pid.

    Output and errors go to the file `output`, which is emptied first.
    """
    command = [str(java), f"{_MARK}{mark}", f"{_FOLDER}{folder}", *arguments]
    with output.open("wb") as file:
        child = subprocess.Popen(  # noqa: S603 - no shell, our own arguments
            command,
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=file,
            start_new_session=True,
            cwd=folder,
        )
    _children[child.pid] = child
    return child.pid


def find(pid: int, mark: str) -> psutil.Process | None:
    """Return the live process `pid` if it is the one started with `mark`."""
    child = _children.get(pid)
    if child is not None and child.poll() is not None:
        del _children[pid]
    try:
        process = psutil.Process(pid)
        if process.status() == psutil.STATUS_ZOMBIE or f"{_MARK}{mark}" not in process.cmdline():
            return None
    except psutil.Error:
        return None
    return process


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
    child = _children.get(process.pid)
    try:
        if child is not None:
            child.wait(timeout)
            _children.pop(process.pid, None)
        else:
            process.wait(timeout)
    except (subprocess.TimeoutExpired, psutil.TimeoutExpired):
        return False
    return True


def free_port() -> int:
    """Return a port that is free on 127.0.0.1 now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def is_free(port: int) -> bool:
    """Whether a server could listen on 127.0.0.1:`port`."""
    with socket.socket() as probe:
        # As Java's servers do: connections of an ended server that still linger do not count.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
            probe.listen(1)
        except OSError:
            return False
        return True


def listens(process: psutil.Process, port: int) -> bool:
    """Whether this very process listens on `port`."""
    try:
        return any(
            connection.status == psutil.CONN_LISTEN and connection.laddr.port == port
            for connection in process.net_connections("tcp")
        )
    except psutil.Error:
        return False


def holder(port: int) -> str:
    """Name who listens on `port`, as far as this user may see it; "" if that cannot be told."""
    with contextlib.suppress(psutil.Error):
        for connection in psutil.net_connections("tcp"):
            listening = connection.status == psutil.CONN_LISTEN
            if listening and connection.laddr.port == port and connection.pid:
                return _described(psutil.Process(connection.pid))
    return ""


def _described(process: psutil.Process) -> str:
    for argument in process.cmdline():
        if argument.startswith(_FOLDER):
            return f"the broker of {argument.removeprefix(_FOLDER)} (pid {process.pid})"
    return f"{process.name()} (pid {process.pid})"
