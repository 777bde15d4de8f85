"""What an operator does to topics and groups, waited for."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

from aiokafka.admin import AIOKafkaAdminClient, NewPartitions, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.protocol.admin import DeleteGroupsRequest

from app.topic_identity import topic_identities
from tests.support.topics import until

SECONDS = 60.0


@asynccontextmanager
async def admin_of(bootstrap: str) -> AsyncIterator[Any]:
    """A connected admin client."""
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        yield admin
    finally:
        await admin.close()


async def has(bootstrap: str, name: str, partitions: int | None) -> None:
    """Wait until a topic has so many partitions; None: until it is gone."""

    async def so() -> bool:
        found = (await topic_identities(bootstrap, [name])).topics.get(name)
        return (found.partitions if found else None) == partitions

    await until(so, SECONDS, f"{name} of {partitions} partitions", 0.02)


async def delete_topic(bootstrap: str, name: str) -> None:
    async with admin_of(bootstrap) as admin:
        answer = await admin.delete_topics([name])
        assert all(code == 0 for _, code in answer.topic_error_codes), answer
    await has(bootstrap, name, None)


async def create_topic(
    bootstrap: str,
    name: str,
    partitions: int,
    configs: dict[str, str] | None = None,
    copies: int = 1,
) -> None:
    topic = NewTopic(name, partitions, copies, topic_configs=configs)
    async with admin_of(bootstrap) as admin:
        answer = await admin.create_topics([topic])
        assert all(code == 0 for _, code, _ in answer.topic_errors), answer
    await has(bootstrap, name, partitions)


async def configure(bootstrap: str, configs: Mapping[str, Mapping[str, str]]) -> None:
    """Give topics these settings, by name, and all their others the defaults."""
    resources = [
        ConfigResource(ConfigResourceType.TOPIC, name, dict(given))
        for name, given in configs.items()
    ]
    async with admin_of(bootstrap) as admin:
        for answer in await admin.alter_configs(resources):
            assert not any(code for code, *_ in answer.resources), answer


async def raise_partitions(bootstrap: str, name: str, partitions: int) -> None:
    async with admin_of(bootstrap) as admin:
        await admin.create_partitions({name: NewPartitions(partitions)})
    await has(bootstrap, name, partitions)


async def delete_group(bootstrap: str, group: str) -> None:
    """Delete a group without members, and its offsets with it."""
    async with admin_of(bootstrap) as admin:
        node = await admin.find_coordinator(group)

        async def gone() -> bool:
            answer = await admin._send_request(DeleteGroupsRequest([group]), node)
            return bool(answer.results[0][1] == 0)

        await until(gone, SECONDS, f"rid of group {group}")
