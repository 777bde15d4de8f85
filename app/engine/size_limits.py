"""How large a batch of records each topic takes: `max.message.bytes`, which may change."""

import logging
from collections.abc import Awaitable, Callable, Mapping

log = logging.getLogger(__name__)
Ask = Callable[[str], Awaitable[int]]


class SizeLimits:
    """One for all partitions of a worker."""

    def __init__(self, by_topic: dict[str, int], ask: Ask) -> None:
        """`by_topic`: bytes, as of the start; kept up to date. `ask`: asks the broker for one."""
        self.by_topic = by_topic
        self._ask = ask

    def below(self, size: int) -> Mapping[str, int]:
        """Give the topics that take less than `size` bytes, with what they take."""
        return {topic: limit for topic, limit in self.by_topic.items() if limit < size}

    async def explain(self, topic: str, size: int) -> bool:
        """Whether a batch of `size` bytes was refused because its topic now takes less.

        Then the new limit is known from here on.
        """
        limit = await self._ask(topic)
        if limit != self.by_topic.get(topic):
            log.warning("topic %s now has max.message.bytes=%d", topic, limit)
        self.by_topic[topic] = limit
        return limit < size
