"""Lines of standard input, as they come, beside a running event loop."""

import asyncio
import os
import threading
from collections.abc import AsyncIterator, Iterator
from typing import Final

_CHUNK: Final = 64 * 1024
_LINES_AHEAD: Final = 1_000
_STDIN: Final = 0


async def input_lines() -> AsyncIterator[tuple[int, bytes]]:
    """Yield (line number from 1, line without its end) until the end of input.

    Reading blocks, so a thread does it; a daemon, so that Ctrl-C need not wait for more input.
    """
    loop = asyncio.get_running_loop()
    queue: asyncio.Queue[bytes | None] = asyncio.Queue(_LINES_AHEAD)

    def hand_over(line: bytes | None) -> None:
        asyncio.run_coroutine_threadsafe(queue.put(line), loop).result()

    def read() -> None:
        try:
            for line in _lines():
                hand_over(line)
        finally:
            hand_over(None)

    threading.Thread(target=read, name="standard-input", daemon=True).start()
    number = 0
    while (line := await queue.get()) is not None:
        number += 1
        yield number, line


def _lines() -> Iterator[bytes]:
    """Read the descriptor itself: a daemon must not hold the lock of `sys.stdin` at the exit."""
    rest = b""
    while chunk := os.read(_STDIN, _CHUNK):
        *lines, rest = (rest + chunk).split(b"\n")
        yield from lines
    if rest:
        yield rest
