"""Ports of 127.0.0.1: which are free, and who has the others."""

import contextlib
import errno
import socket

import psutil

from app.broker.process import folder_of, is_listener
from app.errors import UserError


def free_port() -> int:
    """Return a port that is free now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def is_free(port: int) -> bool:
    """Whether a server could listen on `port`."""
    return _refusal(port) is None


def require_free(port: int) -> None:
    """Raise UserError if no server could listen on `port`, saying who has it or why not."""
    refusal = _refusal(port)
    if refusal is None:
        return
    if refusal.errno != errno.EADDRINUSE:
        raise UserError(f"cannot listen on port {port}: {refusal.strerror}; choose another")
    who = _holder(port)
    by = f" by {who}" if who else ""
    raise UserError(f"port {port} is taken{by}; choose another, or end that one")


def _refusal(port: int) -> OSError | None:
    with socket.socket() as probe:
        # As Java's servers do: connections of an ended server that still linger do not count.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
            probe.listen(1)
        except OSError as error:
            return error
    return None


def _holder(port: int) -> str:
    """Name who listens on `port`, as far as this user may see it; "" if that cannot be told."""
    with contextlib.suppress(psutil.Error):
        for connection in psutil.net_connections("tcp"):
            if connection.pid and is_listener(connection, port):
                return _described(psutil.Process(connection.pid))
    return ""


def _described(process: psutil.Process) -> str:
    folder = folder_of(process)
    name = f"the broker of {folder}" if folder else process.name()
    return f"{name} (pid {process.pid})"
