"""One of three brokers falls silent under a real worker: every partition commits again."""

import asyncio
import time
from pathlib import Path

from aiokafka import AIOKafkaProducer, TopicPartition

from app.cluster import Cluster
from app.errors import UserError
from app.groups.admin import committed
from app.topics_admin import create_topics
from tests.support.service import Service, keyed, send_in_batches
from tests.support.three_brokers import NODES, ThreeBrokers
from tests.support.topics import until

PARTITIONS = 6
BOUND = 240.0
"""Seconds: generous, but less than what the 40 s of each of aiokafka's requests would add up to."""


async def click(service: Service, number: int) -> None:
    """One more record into each partition."""
    users = {keyed("clicks", f"u{n}", "", PARTITIONS)[1]: f"u{n}" for n in range(200)}
    value = '{{"user_id": "{}", "page": "/{}", "timestamp": {}}}'
    now = int(time.time())
    async with AIOKafkaProducer(
        **Cluster.of(service.bootstrap).arguments(), enable_idempotence=True
    ) as producer:
        records = (
            keyed("clicks", user, value.format(user, number, now), PARTITIONS)
            for user in users.values()
        )
        await send_in_batches(producer, service.names, records)


async def test_every_partition_commits_again_while_it_is_still_silent(tmp_path: Path) -> None:
    with ThreeBrokers(tmp_path) as brokers:
        service = Service(brokers.bootstrap, PARTITIONS)
        await create_topics(brokers.bootstrap, service.catalogue, PARTITIONS, len(NODES))
        clicks, sent = service.names["clicks"], 0

        async def all_committed() -> bool:
            try:
                found = await committed(brokers.bootstrap, service.app_id)
            except UserError:  # The coordinator is silent, and no other one yet.
                return False
            return all(found.get(TopicPartition(clicks, p), 0) >= sent for p in range(PARTITIONS))

        with service.worker(tmp_path / "worker") as worker:
            for node in NODES:
                await click(service, sent)
                sent += 1
                await until(all_committed, BOUND, "committed", 0.5)
                brokers.pause(node)
                try:
                    await click(service, sent)
                    sent += 1
                    await until(all_committed, BOUND, f"committed without {node}", 0.5)
                finally:
                    brokers.resume(node)
            assert worker.process.poll() is None
            assert await asyncio.wait_for(worker.terminate(), BOUND) == 0
