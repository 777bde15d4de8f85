"""Partial sums from all source partitions become the shop's revenue (contract 4, second stage)."""

from agents.partition import Batches, Partition
from models.outputs import Output
from models.partials import Partial, SourceTime
from models.results import revenue as revenue_value
from models.results import revenue_key
from models.topics import REVENUE, Catalogue
from tables.revenue import MERGED, SOURCES, MergedRevenue
from tables.rules import Rules
from tables.undo import Changed
from tables.windows import Tumbling


class RevenueWork:
    """What the owner of some windows does with the partial sums that it is sent."""

    def __init__(self, partition: Partition, catalogue: Catalogue, rules: Rules) -> None:
        """`catalogue`: the topics' actual names."""
        self._partition = partition
        self._changed: Changed[int] = partition.changed()
        self._merged = MergedRevenue(
            partition.rows(MERGED), partition.rows(SOURCES), self._changed, partition.count, rules
        )
        self._window = Tumbling(rules.tumbling)
        self._topic = catalogue.name(REVENUE)

    def take(self, message: Partial | SourceTime) -> None:
        """Take one message of a source partition."""
        if isinstance(message, Partial):
            self._merged.partial(
                message.partition, message.window_start, message.revenue, message.purchases
            )
        else:
            self._merged.stream_time(message.partition, message.stream_time)

    @property
    def overdue(self) -> bool:
        """Whether the next commit has more to forget."""
        return self._merged.overdue

    def before_commit(self) -> None:
        """Publish the total of each changed window; forget old windows."""
        for start in self._changed:
            revenue, purchases = self._merged.total(start)
            value = revenue_value(start, self._window.end(start), revenue, purchases)
            last = self._window.last(start)
            self._partition.send(Output(self._topic, None, revenue_key(start), value, last))
        self._merged.sweep()

    def committed(self) -> None:
        """Nothing to note."""


async def merge_revenue(batches: Batches[Partial | SourceTime]) -> None:
    """The agent of the internal topic of partial sums."""
    async for batch in batches:
        revenue = batch.work(RevenueWork)
        for message in batch:
            revenue.take(message)
