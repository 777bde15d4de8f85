"""Connecting a `ManualConsumer`, bounded, with errors that say what to do."""

import asyncio
from collections.abc import Collection

from aiokafka import AIOKafkaConsumer
from aiokafka.errors import KafkaError

from app.cluster import Broker, Cluster, cannot_connect
from app.consumer.errors import ConsumeError, NoTopicError
from app.consumer.options import ConsumerOptions
from app.group_offsets import heed_group_errors
from app.topics_admin import TopicDescription, describe


async def descriptions(broker: Broker, topics: Collection[str]) -> dict[str, TopicDescription]:
    """Describe topics. Raises NoTopicError, UserError without a broker.

    It asks for all topics, since asking for one by name could create it.
    """
    found = await describe(broker, topics)
    for topic in topics:
        if topic not in found:
            raise NoTopicError(
                f"topic {topic} does not exist at {broker}; see streamjoin topics create"
            )
    return found


async def partition_counts(broker: Broker, topics: Collection[str]) -> dict[str, int]:
    """Return the number of partitions by topic; raises as `descriptions` does."""
    found = await descriptions(broker, topics)
    return {name: description.partitions for name, description in found.items()}


async def connect(broker: Broker, group: str | None, options: ConsumerOptions) -> AIOKafkaConsumer:
    """Connect a consumer that commits nothing by itself. Raises ConsumeError."""
    client = AIOKafkaConsumer(
        **Cluster.of(broker).arguments(),
        group_id=group,
        enable_auto_commit=False,
        isolation_level="read_committed",
        auto_offset_reset="earliest",
        max_poll_records=options.max_poll_records,
        session_timeout_ms=int(options.session_timeout * 1000),
        heartbeat_interval_ms=int(options.heartbeat_interval * 1000),
        max_poll_interval_ms=int(options.max_poll_interval * 1000),
    )
    try:
        async with asyncio.timeout(options.timeout):
            await client.start()
            if group is not None:
                heed_group_errors(client)
    except (KafkaError, OSError, TimeoutError) as error:
        await client.stop()
        raise ConsumeError(await cannot_connect(broker)) from error
    except BaseException:
        await client.stop()
        raise
    return client
