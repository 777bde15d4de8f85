"""The newest enriched purchases of all users, by event time, of the partitions of this worker.

Users' rows have no order of time over all users. So the newest ones are found once by going through
the partition's rows, a piece at a time, and from then on kept up to date with each commit's
outputs; both only while somebody looks.
"""

import asyncio
import heapq
import json
import logging
import time
from collections.abc import Iterable
from decimal import Decimal
from functools import partial
from typing import Any

import msgspec

from app.engine.partition_parts import Committed
from app.web.live.follower import Follower
from app.web.membership import Membership, Snapshot
from app.web.overall import Parts, Question
from app.web.problems import ProblemError, unavailable
from models.answers import PurchaseItem, instant, money
from models.live import NewestPurchases
from models.money import to_millionths
from models.outputs import Output
from models.topics import ENRICHED_PURCHASES, Catalogue
from tables import enriched_purchases, enrichment
from tables.rules import Rules

log = logging.getLogger(__name__)
NEWEST = 20
PATH = "/v1/live/newest-purchases"
# Users read at a time; and how many at most: where there are more, the newest come soon anyway.
_USERS, _MOST_USERS = 200, 20_000
# Seconds after which nobody is taken to look any more.
_UNUSED = 60.0


class Purchase(msgspec.Struct, frozen=True, array_like=True, order=True):
    """An enriched purchase: event time in ms, source offset, amount in millionths."""

    time: int
    offset: int
    user_id: str
    product_id: str
    amount: int
    pages: list[str]


class _Newest:
    """One partition's."""

    def __init__(self) -> None:
        self.follower = Follower()
        self.purchases: dict[tuple[int, int], Purchase | Output] = {}
        self.looked = time.monotonic()
        self.found = False
        self.finding: asyncio.Task[None] | None = None

    def add(self, more: Iterable[tuple[tuple[int, int], Purchase | Output]]) -> None:
        """Keep the newest of what is here and of these."""
        self.purchases |= dict(more)
        kept = heapq.nlargest(NEWEST, self.purchases)
        self.purchases = {place: self.purchases[place] for place in kept}


class NewestOfPartitions:
    """Keeps the newest purchases of each partition that is asked for."""

    def __init__(self, membership: Membership, catalogue: Catalogue, rules: Rules) -> None:
        """See the module."""
        self._membership = membership
        self._topic = catalogue.name(ENRICHED_PURCHASES)
        self._sources = tuple(catalogue.names())
        self._rules = rules
        self._partitions: dict[int, _Newest] = {}

    def question(self) -> Question[list[Purchase]]:
        """Ask for the newest purchases of a partition."""
        return Question(PATH, {}, self.read, list[Purchase])

    def read(self, snapshot: Snapshot) -> list[Purchase]:
        """Give the newest ones, in no order. Raises ProblemError while they are being found."""
        number = snapshot.number
        newest = self._partitions.get(number)
        if newest is None or not newest.follower.stands_at(snapshot.offsets(self._sources)):
            newest = self._partitions[number] = _Newest()
            newest.follower.stands_at(snapshot.offsets(self._sources))
        newest.looked = time.monotonic()
        if newest.finding is None:
            newest.finding = asyncio.create_task(self._find(number, newest))
        if not newest.found:
            raise unavailable("recovering", f"partition {number} is being read")
        oldest = snapshot.stream_time(enrichment.NAME) - self._rules.retention
        return [_purchase(one) for (t, _), one in newest.purchases.items() if t >= oldest]

    def committed(self, committed: Committed) -> None:
        """Take a commit's purchases, if somebody looks."""
        newest = self._partitions.get(committed.partition)
        if newest is None:
            return
        unused = time.monotonic() - newest.looked > _UNUSED
        if unused or not newest.follower.goes_on(committed):
            del self._partitions[committed.partition]
            return
        ours = (output for output in committed.outputs if output.topic == self._topic)
        newest.add((_place(one), one) for one in heapq.nlargest(NEWEST, ours, key=_time))

    async def _find(self, number: int, newest: _Newest) -> None:
        """Go through the partition's rows; commits meanwhile add theirs."""
        after: str | None = ""
        seen = 0
        try:
            while after is not None and seen < _MOST_USERS:
                found, after = self._membership.read(number, partial(_piece, after))
                newest.add(((item[0], item[1]), _stored(user, item)) for user, item in found)
                seen += _USERS
                await asyncio.sleep(0.002)
            if after is not None:
                newest.purchases = {
                    place: one for place, one in newest.purchases.items() if isinstance(one, Output)
                }
            newest.found = True
        except ProblemError:
            newest.finding = None
        except Exception:
            log.exception("the newest purchases of partition %d could not be found", number)
            newest.finding = None


def merge_newest(parts: Parts[list[Purchase]]) -> NewestPurchases:
    """Give the newest of all partitions, the newest first."""
    everything = [one for part in parts.found.values() for one in part]
    items = [
        PurchaseItem(
            user_id=one.user_id,
            product_id=one.product_id,
            amount=money(one.amount),
            recent_pages=one.pages,
            timestamp=instant(one.time),
        )
        for one in heapq.nlargest(NEWEST, everything)
    ]
    return NewestPurchases(purchases=items, complete=not parts.missing, missing=parts.missing)


def _piece(after: str, state: Snapshot) -> Any:  # noqa: ANN401
    rows = state.rows(enriched_purchases.ENRICHED)
    parts = state.rows(enriched_purchases.ENRICHED_PARTS)
    return enriched_purchases.newest_of(rows, parts, after, _USERS, NEWEST)


def _time(output: Output) -> int:
    return output.timestamp or 0


def _place(output: Output) -> tuple[int, int]:
    return _time(output), int(dict(output.headers)["source.offset"])


def _stored(user_id: str, item: enriched_purchases.Item) -> Purchase:
    event_time, offset, product, amount, pages = item
    return Purchase(event_time, offset, user_id, product, amount, list(pages))


def _purchase(one: Purchase | Output) -> Purchase:
    """Give a purchase as it was kept, or as it was written out."""
    if isinstance(one, Purchase):
        return one
    value = json.loads(one.value or b"", parse_float=Decimal)
    amount = to_millionths(Decimal(value["amount"]))
    pages = value["recent_pages"]
    return Purchase(*_place(one), value["user_id"], value["product_id"], amount, pages)
