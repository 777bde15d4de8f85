"""Peer 1: a stock Faust app, written as Faust's documentation teaches.

Clicks lie in a windowed table, purchases are enriched from it one event at a time, revenue is
summed in a 5 min window over a repartitioned stream. Windows follow the event's own time
(`relative_to_field`) and do not expire, since Faust expires by the wall clock and the data is
older than that. Run: `python -m benchmarks.peers.stock_faust BROKER DATA_DIR WEB_PORT GUARANTEE`.
"""

from __future__ import annotations

import sys
from datetime import timedelta
from typing import Any

import faust
from faust.types import StreamT


class ClickEvent(faust.Record):
    """A value of the clicks topic."""

    user_id: str
    page: str
    timestamp: float


class PurchaseEvent(faust.Record):
    """A value of the purchases topic."""

    user_id: str
    product_id: str
    amount: float
    timestamp: float


class EnrichedPurchase(faust.Record, include_metadata=False):
    """A value of the output topic."""

    user_id: str
    product_id: str
    amount: float
    recent_pages: list[str]


def build(broker: str, data_dir: str, web_port: int, guarantee: str) -> faust.App:
    """Make the app: three agents, two tables, RocksDB; `guarantee` is Faust's setting."""
    app = faust.App(
        f"stock-faust-{guarantee}",
        broker=f"kafka://{broker}",
        store="rocksdb://",
        datadir=data_dir,
        processing_guarantee=guarantee,
        topic_partitions=4,
        web_host="127.0.0.1",
        web_port=web_port,
    )
    clicks_topic = app.topic("stock-clicks", value_type=ClickEvent)
    purchases_topic = app.topic("stock-purchases", value_type=PurchaseEvent)
    enriched_topic = app.topic(f"stock-{guarantee}-enriched", value_type=EnrichedPurchase)
    clicked_at: Any = ClickEvent.timestamp  # On the class, Faust has field descriptors.
    purchased_at: Any = PurchaseEvent.timestamp
    recent_clicks: Any = (
        app.Table("recent_clicks", default=list)
        .tumbling(timedelta(minutes=10))
        .relative_to_field(clicked_at)
    )
    revenue: Any = (
        app.Table("revenue", default=float)
        .tumbling(timedelta(minutes=5))
        .relative_to_field(purchased_at)
    )

    @app.agent(clicks_topic)
    async def track_clicks(clicks: StreamT[ClickEvent]) -> None:
        async for click in clicks:
            recent = recent_clicks[click.user_id]
            recent_clicks[click.user_id] = [*recent.value(), click.page]

    @app.agent(purchases_topic)
    async def enrich_purchases(purchases: StreamT[PurchaseEvent]) -> None:
        async for purchase in purchases:
            pages = recent_clicks[purchase.user_id].value()
            await enriched_topic.send(
                key=purchase.user_id,
                value=EnrichedPurchase(
                    user_id=purchase.user_id,
                    product_id=purchase.product_id,
                    amount=purchase.amount,
                    recent_pages=pages,
                ),
            )

    @app.agent(purchases_topic)
    async def revenue_per_window(purchases: StreamT[PurchaseEvent]) -> None:
        async for purchase in purchases.group_by(lambda _: "all", name="all"):
            revenue["all"] += purchase.amount

    return app


if __name__ == "__main__":
    broker, data_dir, web_port, guarantee = sys.argv[1:]
    sys.argv[1:] = ["worker", "--loglevel", "info"]
    build(broker, data_dir, int(web_port), guarantee).main()
