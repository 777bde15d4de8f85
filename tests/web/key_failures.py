"""What a worker counts of failed keys."""

import re
from collections.abc import Mapping

from tests.web.asking import asking


async def counted(url: str, headers: Mapping[str, str]) -> dict[str, int]:
    """A worker's failed keys by reason; those that there are."""
    async with asking(url) as [asker]:
        reply = await asker.get("/metrics", headers=headers)
    found = re.findall(r'key_failures_total\{reason="([a-z-]+)"\} (\d+)', reply.body)
    return {reason: int(count) for reason, count in found if int(count)}
