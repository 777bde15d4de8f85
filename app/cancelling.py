"""Ends tasks that swallow a cancellation, as aiokafka's do amid some of their waits."""

import asyncio
from typing import Any


async def cancel_until_ended(
    task: "asyncio.Task[Any]", every: float, most: float = float("inf")
) -> None:
    """Cancel a task, and again `every` so many seconds until it has ended, for `most` seconds."""
    loop = asyncio.get_running_loop()
    end = loop.time() + most
    while not task.done() and loop.time() < end:
        task.cancel()
        await asyncio.wait([task], timeout=every)
