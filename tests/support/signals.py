"""Signals at moments that a test chooses."""

import signal
import socket
from collections.abc import Iterator
from contextlib import closing, contextmanager

from app.signals import NUMBERS

ACCEPT_SECONDS = 120.0


@contextmanager
def held_back() -> Iterator[None]:
    """Block the signals for what is started in the block: they come once it unblocks them."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, NUMBERS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextmanager
def silent_broker() -> Iterator[tuple[str, socket.socket]]:
    """What takes connections and says nothing: its address, and the socket to accept one from."""
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        server.settimeout(ACCEPT_SECONDS)
        yield f"127.0.0.1:{server.getsockname()[1]}", server
