"""What came out of the week: read from the service, shown as a short table."""

import json
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from aiokafka import AIOKafkaConsumer, TopicPartition
from rich.table import Table

from app.cluster import Broker, Cluster
from app.demo.client import Client, Totals, Window
from app.settings import Settings
from models.topics import DEAD_LETTERS, ENRICHED_PURCHASES

_BUSIEST: Final = 3
_READ_MS: Final = 200
_WHY: Final = {("wrong-type", "purchases"): " (no price: so the shop wrote them)"}


@dataclass(slots=True)
class Outputs:
    """Counts in the output topics; `with_pages`: enriched purchases that have recent pages.

    `dead_letters`: by reason and source topic.
    """

    enriched: int = 0
    with_pages: int = 0
    dead_letters: Counter[tuple[str, str]] = field(default_factory=Counter)


@dataclass(frozen=True, slots=True)
class Summary:
    """`sent`: records by topic. `lag`: records not committed.

    `seconds`: from the worker's start to the last record committed and merged.
    """

    sent: Mapping[str, int]
    totals: Totals
    windows: list[Window]
    lag: int
    outputs: Outputs
    seconds: float


async def summarise(
    client: Client,
    settings: Settings,
    partitions: int,
    sent: Mapping[str, int],
    seconds: float,
) -> Summary:
    """Ask the worker for its views, and read its outputs."""
    catalogue = settings.catalogue()
    enriched, dead_letters = catalogue.name(ENRICHED_PURCHASES), catalogue.name(DEAD_LETTERS)
    outputs = Outputs()
    places = [
        TopicPartition(name, number)
        for name in (enriched, dead_letters)
        for number in range(partitions)
    ]
    async for record in read_topics(settings.cluster, places):
        if record.topic == enriched:
            outputs.enriched += 1
            outputs.with_pages += bool(json.loads(record.value)["recent_pages"])
        else:
            headers = {name: value.decode() for name, value in record.headers}
            outputs.dead_letters[headers["error.type"], headers["source.topic"]] += 1
    totals, windows, lag = await client.totals(), await client.revenue(), await client.lag()
    return Summary(sent, totals, windows, lag, outputs, seconds)


async def read_topics(bootstrap: Broker, places: list[TopicPartition]) -> AsyncIterator[Any]:
    """Read what is committed there by now."""
    consumer = AIOKafkaConsumer(
        **Cluster.of(bootstrap).arguments(),
        isolation_level="read_committed",
        enable_auto_commit=False,
        fetch_max_wait_ms=_READ_MS,
    )
    await consumer.start()
    try:
        ends = await consumer.end_offsets(places)
        consumer.assign(places)
        await consumer.seek_to_beginning(*places)
        left = {place for place in places if ends[place]}
        while left:
            for records in (await consumer.getmany(*left, timeout_ms=_READ_MS)).values():
                for record in records:
                    yield record
            left = {place for place in left if await consumer.position(place) < ends[place]}
    finally:
        await consumer.stop()


def rows(summary: Summary) -> Iterator[tuple[str, str]]:
    """Give the table's rows: a name, and what to say."""
    totals, outputs, sent = summary.totals, summary.outputs, sum(summary.sent.values())
    yield "events", ", ".join(f"{count:,} {name}" for name, count in summary.sent.items())
    yield "purchases", f"{totals.purchases:,} with a price, revenue ${totals.revenue:,.2f}"
    share = outputs.with_pages / outputs.enriched if outputs.enriched else 0
    yield (
        "with recent pages",
        f"{outputs.with_pages:,} of {outputs.enriched:,} enriched purchases ({share:.1%})",
    )
    busiest = sorted(summary.windows, key=lambda window: window.revenue, reverse=True)[:_BUSIEST]
    for number, window in enumerate(busiest):
        name = "busiest 5 minutes" if not number else ""
        bought = f"{window.purchases} purchase{'s' * (window.purchases != 1)}"
        yield name, f"{_moment(window.start)}  ${window.revenue:,.2f}, {bought}"
    letters = [
        f"{count:,} {topic}: {reason}{_WHY.get((reason, topic), '')}"
        for (reason, topic), count in outputs.dead_letters.items()
    ]
    yield "dead letters", "; ".join(letters) or "none"
    rate = sent / summary.seconds
    yield (
        "rate",
        f"{sent:,} records in {summary.seconds:.1f} s ({rate:,.0f}/s), worker's start included",
    )
    yield "lag", f"{summary.lag:,}"


def table(summary: Summary) -> Table:
    """Lay the rows out."""
    made = Table(show_header=False, box=None, padding=(0, 2, 0, 0))
    made.add_column(style="bold", no_wrap=True)
    made.add_column(overflow="fold")
    for row in rows(summary):
        made.add_row(*row)
    return made


def _moment(start: str) -> str:
    return f"{datetime.fromisoformat(start):%a %Y-%m-%d %H:%M} UTC"
