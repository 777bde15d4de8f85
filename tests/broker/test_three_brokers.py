"""Three nodes are one cluster, which goes on without any one of them."""

import asyncio
from pathlib import Path

from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from tests.support.three_brokers import NODES, ThreeBrokers
from tests.support.topics import read_all, until

TOPIC = "three"


async def described(bootstrap: str) -> list[dict[str, list[int]]]:
    """Replicas and in-sync replicas of each partition of the topic."""
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        found = await admin.describe_topics([TOPIC])
    finally:
        await admin.close()
    return [{key: one[key] for key in ("replicas", "isr")} for one in found[0]["partitions"]]


async def make(bootstrap: str) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    # In sync must be two, as the cluster has it for every new topic.
    await admin.create_topics([NewTopic(TOPIC, 3, 3)])
    await admin.close()

    async def whole() -> bool:
        parts = await described(bootstrap)
        return len(parts) == 3 and all(set(part["isr"]) == set(NODES) for part in parts)

    await until(whole, 60, "in sync on three")


async def write(bootstrap: str, value: bytes, seconds: int = 60) -> None:
    """One transaction of a record in each partition."""
    producer = AIOKafkaProducer(
        bootstrap_servers=bootstrap, transactional_id=value.decode(), request_timeout_ms=5000
    )
    async with asyncio.timeout(seconds), producer, producer.transaction():
        for partition in range(3):
            await producer.send_and_wait(TOPIC, value, partition=partition)


async def values(bootstrap: str) -> set[bytes | None]:
    return {record.value for record in await read_all(bootstrap, [TOPIC], 3)}


async def test_it_goes_on_without_any_one_of_them(tmp_path: Path) -> None:
    with ThreeBrokers(tmp_path) as cluster:
        await make(cluster.bootstrap)
        cluster.kill(1)
        await write(cluster.bootstrap, b"killed")
        await asyncio.to_thread(cluster.start, 1)
        await asyncio.to_thread(cluster.stop, 3)
        await write(cluster.bootstrap, b"stopped")
        assert await values(cluster.bootstrap) == {b"killed", b"stopped"}
