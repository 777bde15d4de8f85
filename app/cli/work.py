"""Runs what a command does in an event loop."""

import asyncio
from collections.abc import Coroutine
from typing import Any, Final, TypeVar

from app.cancelling import cancel_until_ended

T = TypeVar("T")
_AGAIN_SECONDS: Final = 2.0


def run_work(work: Coroutine[Any, Any, T]) -> T:
    """Run it as `asyncio.run` does; Ctrl-C cancels it until it has ended.

    aiokafka's consumers swallow a cancellation that comes while they are closed: after one alone,
    what looks again and again would go on.
    """
    return asyncio.run(_until_ended(work))


async def _until_ended(work: Coroutine[Any, Any, T]) -> T:
    task = asyncio.create_task(work)
    try:
        await asyncio.wait([task])
    except asyncio.CancelledError:
        await cancel_until_ended(task, _AGAIN_SECONDS)
        if not task.cancelled():
            task.exception()
        raise
    return task.result()
