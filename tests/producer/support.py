"""Topics of a test's own, and everything that lies in one."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import NewTopic
from aiokafka.errors import for_code

from app.producer import EventProducer
from tests.support.admin import admin_of
from tests.support.topics import until

LONG = 120.0
"""Seconds: what only a broker that does not answer at all needs."""
KEPT = {"retention.ms": "-1"}
"""By default Kafka deletes what is stamped with a time a week ago, soon after it was written."""


@dataclass(frozen=True)
class Record:
    partition: int
    offset: int
    key: bytes | None
    value: bytes
    timestamp: int


def patient(bootstrap: str, **options: Any) -> EventProducer:  # noqa: ANN401
    """A producer that gives a slow machine its time."""
    limits = dict.fromkeys(("connect_timeout", "send_timeout", "delivery_timeout"), LONG)
    return EventProducer(bootstrap, **(limits | options))


async def new_topic(
    bootstrap: str,
    partitions: int = 4,
    configs: Mapping[str, str] | None = None,
    name: str = "t",
) -> str:
    """Create a topic of a name nobody else has, which keeps records of any time."""
    topic = f"{name}-{uuid4().hex[:12]}"
    async with admin_of(bootstrap) as admin:
        answer = await admin.create_topics(
            [NewTopic(topic, partitions, 1, topic_configs=KEPT | dict(configs or {}))]
        )
        for _, code, _ in answer.topic_errors:
            if code:
                raise for_code(code)(topic)

        async def led() -> bool:
            found = (await admin.describe_topics([topic]))[0]["partitions"]
            return bool(sum(part["leader"] >= 0 for part in found) == partitions)

        await until(led, LONG, f"{topic} has leaders", 0.01)
    return topic


async def records_in(bootstrap: str, topic: str) -> list[Record]:
    """Read a topic from its start to its end, partition by partition."""
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, isolation_level="read_committed")
    await consumer.start()
    found = []
    try:
        numbers = sorted(await consumer._client._wait_on_metadata(topic))
        places = [TopicPartition(topic, number) for number in numbers]
        consumer.assign(places)
        await consumer.seek_to_beginning(*places)
        ends = await consumer.end_offsets(places)
        async with asyncio.timeout(LONG):
            for place in places:
                while await consumer.position(place) < ends[place]:
                    fetched = await consumer.getmany(place, timeout_ms=1000)
                    found += [
                        Record(got.partition, got.offset, got.key, got.value, got.timestamp)
                        for got in fetched.get(place, [])
                    ]
    finally:
        await consumer.stop()
    return found
