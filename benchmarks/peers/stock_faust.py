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
from faust.types import StreamT, TableT
from faust.types.tables import WindowWrapperT


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


def make_app(broker: str, data_dir: str, web_port: int, guarantee: str) -> faust.App:
    """Make the app without agents: RocksDB; `guarantee` is Faust's setting."""
    return faust.App(
        f"stock-faust-{guarantee}",
        broker=f"kafka://{broker}",
        store="rocksdb://",
        datadir=data_dir,
        processing_guarantee=guarantee,
        topic_partitions=4,
        web_host="127.0.0.1",
        web_port=web_port,
    )


def windowed(
    table: TableT[str, Any], minutes: int, model: type[ClickEvent | PurchaseEvent]
) -> WindowWrapperT:
    """Tumbling windows of the event's own time, `timestamp` in the model."""
    time: Any = model.timestamp  # On the class, Faust has field descriptors.
    return table.tumbling(timedelta(minutes=minutes)).relative_to_field(time)


def build(broker: str, data_dir: str, web_port: int, guarantee: str) -> faust.App:
    """Make the app with its three agents and two tables; parameters as in `make_app`."""
    app = make_app(broker, data_dir, web_port, guarantee)
    clicks_topic = app.topic("stock-clicks", value_type=ClickEvent)
    purchases_topic = app.topic("stock-purchases", value_type=PurchaseEvent)
    enriched_topic = app.topic(f"stock-{guarantee}-enriched", value_type=EnrichedPurchase)
    recent_clicks: Any = windowed(app.Table("recent_clicks", default=list), 10, ClickEvent)
    revenue: Any = windowed(app.Table("revenue", default=float), 5, PurchaseEvent)

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
