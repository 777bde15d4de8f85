"""Clicks and purchases, in the order of the merge: the join, and what hangs on its moment.

Revenue and the totals of purchases take a purchase at the same moment as the enrichment
(contract 4), so that they too depend on the order of the merge alone.
"""

from agents.late import LateEvents
from agents.partition import Batches, Partition
from models.events import Click, Purchase
from models.outputs import Output
from models.partials import STREAM_TIME_KEY, partial_value, stream_time_value
from models.records import Record
from models.results import enriched_purchase, revenue_key
from models.topics import ENRICHED_PURCHASES, LATE_EVENTS, PURCHASES, REVENUE_PARTIALS, Catalogue
from tables import enriched_purchases, recent_clicks, revenue, totals
from tables.enriched_purchases import EnrichedPurchases
from tables.enrichment import NAME, Enrichment
from tables.recent_clicks import RecentClicks
from tables.revenue import PartialRevenue
from tables.rules import Rules
from tables.totals import TotalsFold
from tables.undo import Changed


class TakenPurchase:
    """A purchase as the merge took it, with the offset of the first click not yet taken."""

    __slots__ = ("clicks_offset", "purchase")

    def __init__(self, purchase: Purchase, clicks_offset: int) -> None:
        """See the class."""
        self.purchase = purchase
        self.clicks_offset = clicks_offset

    @property
    def source(self) -> Record:
        """The purchase's record."""
        return self.purchase.source


class ShopWork:
    """What one partition does with its clicks and purchases."""

    def __init__(self, partition: Partition, catalogue: Catalogue, rules: Rules) -> None:
        """`catalogue`: the topics' actual names."""
        rows, self._partition, self._catalogue = partition.rows, partition, catalogue
        self._time = partition.stream_time(NAME)
        self._join = Enrichment(
            RecentClicks(
                rows(recent_clicks.CLICKS),
                rows(recent_clicks.CLICK_PARTS),
                rows(recent_clicks.CLICKS_EXPIRY),
                rules,
            ),
            self._time,
            rules,
        )
        self._enriched = EnrichedPurchases(
            rows(enriched_purchases.ENRICHED),
            rows(enriched_purchases.ENRICHED_PARTS),
            rows(enriched_purchases.ENRICHED_EXPIRY),
            rules,
        )
        self._totals = TotalsFold(rows(totals.TOTALS), partition.stream_time(totals.NAME))
        self._changed: Changed[int] = partition.changed()
        self._revenue_time = partition.stream_time(revenue.NAME)
        self._revenue = PartialRevenue(
            rows(revenue.PARTIAL), self._revenue_time, self._changed, partition.number, rules
        )
        self._late = LateEvents(partition, catalogue.name(LATE_EVENTS))
        self._topic = catalogue.name(ENRICHED_PURCHASES)
        self._source_headers = [
            ("source.topic", catalogue.name(PURCHASES).encode()),
            ("source.partition", b"%d" % partition.number),
        ]
        self._told = self._revenue.closes()

    def click(self, click: Click) -> None:
        """Keep a click for the purchases to come."""
        source = click.source
        late = self._join.click(click.user_id, click.timestamp, source.offset, click.page)
        if late is not None:
            self._late.write(source, click.timestamp, late)

    def purchase(self, purchase: Purchase, clicks_offset: int) -> None:
        """Enrich a purchase, and add it to revenue and totals."""
        source, time, user = purchase.source, purchase.timestamp, purchase.user_id
        pages, late = self._join.purchase(user, time)
        if late is not None:
            self._late.write(source, time, late)
        size = self._publish(purchase, source, pages, clicks_offset)
        amount = purchase.amount
        item = (time, source.offset, purchase.product_id, amount, pages)
        self._enriched.add(user, item, size, self._time.value)
        self._totals.purchase(user, time, amount)
        late = self._revenue.add(time, amount)
        if late is not None:
            self._late.write(source, time, late)

    def _publish(
        self, purchase: Purchase, source: Record, pages: list[str], clicks_offset: int
    ) -> int:
        value = enriched_purchase(purchase.user_id, purchase.product_id, purchase.amount, pages)
        headers = [
            *self._source_headers,
            ("source.offset", b"%d" % source.offset),
            ("clicks.offset", b"%d" % clicks_offset),
        ]
        self._partition.send(
            Output(self._topic, source.partition, source.key, value, purchase.timestamp, headers)
        )
        return len(value)

    @property
    def overdue(self) -> bool:
        """Whether the next commit has more to forget."""
        return self._join.overdue or self._enriched.overdue

    def before_commit(self) -> None:
        """Write the changed partial sums, then how far stream time has come; forget old rows."""
        topic, number = self._catalogue.name(REVENUE_PARTIALS), self._partition.number
        send = self._partition.send
        for start in self._changed:
            value = partial_value(number, start, *self._revenue.partial(start))
            send(Output(topic, None, revenue_key(start), value))
        if self._revenue.closes() != self._told:
            value = stream_time_value(number, self._revenue_time.value)
            for partition in range(self._partition.count):
                send(Output(topic, partition, STREAM_TIME_KEY, value))
        self._join.sweep()
        self._enriched.sweep(self._time.value)
        self._revenue.sweep()

    def committed(self) -> None:
        """Note what the committed transaction has told the owners of the windows."""
        self._told = self._revenue.closes()


async def enrich(batches: Batches[Click | TakenPurchase]) -> None:
    """The agent of `clicks` and `purchases`."""
    async for batch in batches:
        shop = batch.work(ShopWork)
        click, purchase = shop.click, shop.purchase
        for event in batch:
            if isinstance(event, Click):
                click(event)
            else:
                purchase(event.purchase, event.clicks_offset)
