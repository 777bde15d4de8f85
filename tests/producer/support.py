"""Topics of a test's own, and everything that lies in one."""

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import uuid4

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import for_code


@dataclass(frozen=True)
class Record:
    partition: int
    offset: int
    key: bytes | None
    value: bytes
    timestamp: int


async def new_topic(
    bootstrap: str,
    partitions: int = 4,
    configs: Mapping[str, str] | None = None,
    name: str = "t",
) -> str:
    """Create a topic of a name nobody else has."""
    topic = f"{name}-{uuid4().hex[:12]}"
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        answer = await admin.create_topics(
            [NewTopic(topic, partitions, 1, topic_configs=dict(configs or {}))]
        )
        for _, code, _ in answer.topic_errors:
            if code:
                raise for_code(code)(topic)
        while len((await admin.describe_topics([topic]))[0]["partitions"]) < partitions:
            continue
    finally:
        await admin.close()
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
