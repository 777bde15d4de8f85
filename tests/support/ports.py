"""Ports of a test's own."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def held_port() -> Iterator[int]:
    """A port of 127.0.0.1 on which nothing answers until the test's own server listens there.

    The socket that holds it is bound and does not listen: servers that reuse addresses (Java's,
    asyncio's) can, again and again, and the system gives the port to nobody else meanwhile.
    """
    with socket.socket() as holder:
        holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        holder.bind(("127.0.0.1", 0))
        yield int(holder.getsockname()[1])
