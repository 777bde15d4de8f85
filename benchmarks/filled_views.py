"""Asks a worker for users whose state `filled` has written, and compares what it answers."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import aiohttp

from benchmarks.filled import Filled
from benchmarks.measure import RunFailedError
from benchmarks.worker import Deployment

Answer = dict[str, Any]
# How many windows of 10 minutes, one every 2, an event is in.
_HOPPING = 5
MOVING = "recent-clicks"
"""The view that shows less as new clicks come."""


async def ask_known(
    filled: Filled, deployment: Deployment, session: aiohttp.ClientSession, *, without: str = ""
) -> float:
    """Ask for every view of the known users but `without`; the seconds of the slowest answer.

    Raises RunFailedError where one is not what it was made to be.
    """
    slowest = 0.0
    for user in filled.known:
        for view, (seen, wanted) in _expected(filled).items():
            if view == without:
                continue
            asked = time.monotonic()
            async with session.get(f"{deployment.url}/v1/users/{user}/{view}") as answer:
                body = await answer.json(content_type=None)
            slowest = max(slowest, time.monotonic() - asked)
            if answer.status != 200 or seen(body) != wanted:
                raise RunFailedError(f"{view} of {user} is not of {wanted} records: {body}")
    return slowest


def _expected(filled: Filled) -> dict[str, tuple[Callable[[Answer], int], int]]:
    """By view: what to look at of its answer, and what it has to be."""
    return {
        MOVING: (lambda found: len(found["clicks"]), filled.clicks),
        "event-counts": (lambda found: _counted(found["windows"]), filled.events),
        "hopping-counts": (lambda found: _counted(found["windows"]), filled.events * _HOPPING),
        "moving-average": (lambda found: int(found["count"]), filled.values),
        "sessions": (lambda found: _counted(found["sessions"]), filled.events),
        "totals": (lambda found: sum(found["actions"].values()), filled.events),
        "enriched-purchases": (lambda found: len(found["purchases"]), filled.purchases),
    }


def _counted(windows: list[Answer]) -> int:
    return sum(int(window["count"]) for window in windows)
