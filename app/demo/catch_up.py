"""Waiting until the worker has committed, and its views show, all that was sent."""

import asyncio
import time
from collections.abc import Mapping
from typing import Any, Final

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from app.cluster import Broker, Cluster
from app.demo.client import Client, NotReadyError
from app.demo.screen import Advance
from app.errors import UserError
from app.group_offsets import NOT_YET, group_offsets

_PAUSE: Final = 0.1
_SILENCE: Final = 180.0
"""Seconds without any progress after which something must be wrong."""


class CatchUp:
    """Compares what a group has committed with what was sent.

    The inputs are this run's own and hold no transactions, so that the offsets committed in a topic
    add up to the records taken from it.
    """

    def __init__(self, bootstrap: Broker, group: str, client: Client) -> None:
        """`group`: the worker's. `client`: to ask it for its views."""
        self._bootstrap = bootstrap
        self._group = group
        self._client = client

    async def wait(self, sent: Mapping[str, int], advance: Advance) -> None:
        """Wait for all of `sent`, records by topic, and for the revenue that follows from them.

        Raises UserError where nothing moves for three minutes.
        """
        admin = AIOKafkaAdminClient(**Cluster.of(self._bootstrap).arguments())
        await admin.start()
        try:
            await self._wait(admin, sent, advance)
        finally:
            await admin.close()

    async def _wait(self, admin: Any, sent: Mapping[str, int], advance: Advance) -> None:  # noqa: ANN401
        total = sum(sent.values())
        seen, since = (-1, False), time.monotonic()
        while True:
            taken = await self._taken(admin, sent)
            merged = taken == total and await self._merged()
            advance("processed", taken / total)
            if merged:
                return
            if (taken, merged) != seen:
                seen, since = (taken, merged), time.monotonic()
            if time.monotonic() - since > _SILENCE:
                raise UserError(
                    f"the worker has committed {taken:,} of {total:,} records and then nothing for "
                    f"{_SILENCE:.0f} s"
                )
            await asyncio.sleep(_PAUSE)

    async def _taken(self, admin: Any, topics: Mapping[str, int]) -> int:  # noqa: ANN401
        try:
            found = await group_offsets(admin, self._group)
        except NOT_YET:  # It makes the topic of its first group.
            return 0
        except KafkaError as error:
            raise UserError(f"the broker does not say what is committed: {error!r}") from error
        return sum(offset for place, offset in found.items() if place.topic in topics)

    async def _merged(self) -> bool:
        """Whether the windows over all partitions hold every purchase that was taken."""
        try:
            totals, windows = await self._client.totals(), await self._client.revenue()
        except NotReadyError:
            return False
        return sum(window.revenue for window in windows) == totals.revenue
