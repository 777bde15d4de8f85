"""A client that asks for views throughout: what it is shown of a user never goes back."""

import asyncio
import random
from contextlib import suppress

from tests.chaos.cluster import Cluster
from tests.oracle.compare_http import VIEWS

PAUSE = 0.2
"""Seconds between two questions."""


class Views:
    """Asks any worker for any view. `answered`: answers of 200; `refused`: all others."""

    def __init__(self, cluster: Cluster, seed: int) -> None:
        self._cluster = cluster
        self._dice = random.Random(f"{seed}/views")
        self._seen: dict[str, dict[str, int]] = {}
        self._task: asyncio.Task[None] | None = None
        self.differences: list[str] = []
        self.answered = self.refused = 0

    def start(self) -> None:
        """Ask until `stop`."""
        self._task = asyncio.create_task(self._run(), name="views")

    async def stop(self) -> None:
        """Ask no more; raises what ended the client, if something did."""
        task, self._task = self._task, None
        if task is None:
            return
        if not task.done():
            task.cancel()
        with suppress(asyncio.CancelledError):
            await task

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(PAUSE)
            slots = [slot for slot in self._cluster.running if slot.ready]
            if not slots:
                continue
            user = f"u{self._dice.randrange(1, 13)}"
            path = f"/v1/users/{user}/{self._dice.choice(VIEWS)}?limit=1000"
            if not path.count("purchases"):
                path = path.removesuffix("?limit=1000")
            status, body = await self._cluster.get(self._dice.choice(slots), path)
            if status == 200 and isinstance(body, dict):
                self.answered += 1
                self.take(user, body["offsets"])
            else:
                self.refused += 1

    def take(self, user: str, offsets: dict[str, int]) -> None:
        """Note what an answer said of its user, and whether it goes back."""
        seen = self._seen.setdefault(user, {})
        for topic, offset in offsets.items():
            if offset < seen.get(topic, 0):
                self.differences.append(
                    f"view:step-back: {user} {topic} at {offset}, {seen[topic]} before"
                )
            seen[topic] = max(offset, seen.get(topic, 0))
