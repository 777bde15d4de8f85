"""How many source records the group commits a second: each worker counts its own."""

import asyncio
import time
from collections.abc import Iterable, Mapping, Sequence

import msgspec

from app.engine.partition_parts import Committed
from app.web.membership import Membership
from app.web.peers import PeerError, Peers
from models.live import Throughput

PATH = "/v1/live/rates"
SECONDS = 120
"""How far back it is remembered."""


class Rates:
    """Counts by the second of the wall clock, so that workers' counts can be added up."""

    def __init__(self, inputs: Iterable[str]) -> None:
        """`inputs`: the source topics, of which records are counted."""
        self._inputs = frozenset(inputs)
        self._counts: dict[int, int] = {}

    def committed(self, committed: Committed) -> None:
        """Count a commit's records."""
        second, counts = int(time.time()), self._counts
        if second not in counts:
            counts[second] = 0
            for old in [at for at in counts if at < second - 2 * SECONDS]:
                del counts[old]
        counts[second] += sum(n for topic, n in committed.read.items() if topic in self._inputs)

    def recent(self) -> dict[int, int]:
        """Give the counts by second since the epoch, those of none left out."""
        oldest = int(time.time()) - SECONDS - 1
        return {second: count for second, count in self._counts.items() if second >= oldest}


class GroupRates:
    """Asks all workers for what they have counted."""

    def __init__(self, group: Membership, peers: Peers, own: Rates) -> None:
        """`own`: this worker's."""
        self._group = group
        self._peers = peers
        self._own = own

    def here(self) -> bytes:
        """Give this worker's counts to another one."""
        return msgspec.json.encode(self._own.recent())

    async def look(self) -> Throughput:
        """Give the records of the last seconds; `missing`: partitions of silent workers."""
        others = {
            url: numbers for url, numbers in self._group.members().items() if url != self._group.url
        }
        found = await asyncio.gather(*(self._ask(url) for url in others))
        answers = dict(zip(others, found, strict=True))
        missing = sorted(n for url, ns in others.items() if answers[url] is None for n in ns)
        counts = [self._own.recent(), *(one for one in found if one is not None)]
        return Throughput(
            records_per_second=_history(counts), complete=not missing, missing=missing
        )

    async def _ask(self, url: str) -> dict[int, int] | None:
        try:
            answer = await self._peers.get(url, PATH, {})
            return msgspec.json.decode(answer.body, type=dict[int, int])
        except (PeerError, msgspec.MsgspecError):
            return None


def _history(counts: Sequence[Mapping[int, int]]) -> list[int]:
    """Add up workers' counts: of each of the last whole seconds, the oldest first."""
    now = int(time.time())
    return [sum(one.get(at, 0) for one in counts) for at in range(now - SECONDS, now)]
