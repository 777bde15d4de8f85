"""`python -m tests.operations.overtaken_replay dead-letters replay ...`: another one overtakes it.

`OVERTAKEN_AT`: `begin` or `commit` of its second transaction. The other one replays all that is
left before this one goes on.
"""

import asyncio
import os
import subprocess
import sys

from app.cli.main import main
from app.connections import WatchedProducer

NAME = f"{os.environ['OVERTAKEN_AT']}_transaction"
OTHER = [sys.executable, "-m", "app.cli.main", "dead-letters", "replay", "--yes"]
go_on = getattr(WatchedProducer, NAME)
calls: list[WatchedProducer] = []


async def overtaken(self: WatchedProducer) -> None:
    calls.append(self)
    if len(calls) == 2:
        await asyncio.to_thread(subprocess.run, OTHER, check=True, capture_output=True)
    await go_on(self)


if __name__ == "__main__":
    setattr(WatchedProducer, NAME, overtaken)
    main()
