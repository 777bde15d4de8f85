"""`python -m benchmarks.watchers COUNT USER URL...`: so many live streams until SIGTERM.

A process of its own, as the load is. The even ones watch every view over all users, the odd ones
every view of one user; at the end it prints, as JSON, what came and how many streams had ended.
"""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from urllib.parse import urlsplit

from app.web.live.views import OVERALL
from app.web.user_views import USER_VIEWS

_CHUNK = 1 << 16
_EVENT = b"\nevent: "


class Watchers:
    """Counts what the streams bring: no more work than that, since workers share the machine."""

    def __init__(self) -> None:
        """Start at nothing."""
        self.events = 0
        self.ended = 0

    async def watch(self, url: str, query: str) -> None:
        """Read a stream to its end."""
        place = urlsplit(url)
        reader, writer = await asyncio.open_connection(place.hostname, place.port)
        head = "Host: bench\r\nConnection: close\r\n\r\n"
        writer.write(f"GET /v1/stream?{query} HTTP/1.1\r\n{head}".encode())
        try:
            while data := await reader.read(_CHUNK):
                self.events += data.count(_EVENT)
        finally:
            self.ended += 1
            writer.close()


async def main() -> None:
    """Watch until SIGTERM."""
    count, user, *urls = sys.argv[1:]
    overall = "view=" + ",".join(OVERALL)
    own = "view=" + ",".join(view.name for view in USER_VIEWS) + f"&user={user}"
    watchers = Watchers()
    tasks = [
        asyncio.create_task(watchers.watch(urls[n // 2 % len(urls)], own if n % 2 else overall))
        for n in range(int(count))
    ]
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    await stop.wait()
    print(json.dumps({"events": watchers.events, "ended": watchers.ended}), flush=True)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


if __name__ == "__main__":
    asyncio.run(main())
