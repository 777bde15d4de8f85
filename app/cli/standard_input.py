"""Lines of standard input, as they come, beside a running event loop."""

import asyncio
import os
import threading
from collections.abc import AsyncIterator
from typing import Final

from app.producer.lines import Line, LineSplitter

_CHUNK: Final = 64 * 1024
_CHUNKS_AHEAD: Final = 16
_STDIN: Final = 0


async def input_lines() -> AsyncIterator[Line]:
    """Yield the lines until the end of input. Raises UserError for a text in UTF-16.

    Reading blocks, so a thread does it; a daemon, so that Ctrl-C need not wait for more input.
    """
    loop = asyncio.get_running_loop()
    queue: asyncio.Queue[bytes] = asyncio.Queue(_CHUNKS_AHEAD)

    def hand_over(chunk: bytes) -> None:
        asyncio.run_coroutine_threadsafe(queue.put(chunk), loop).result()

    def read() -> None:
        try:
            # The descriptor itself: a daemon must not hold the lock of `sys.stdin` at the exit.
            while chunk := os.read(_STDIN, _CHUNK):
                hand_over(chunk)
        finally:
            hand_over(b"")

    threading.Thread(target=read, name="standard-input", daemon=True).start()
    lines = LineSplitter("standard input")
    while chunk := await queue.get():
        for line in lines.feed(chunk):
            yield line
    for line in lines.rest():
        yield line
