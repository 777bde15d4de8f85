"""Questions and orders to the broker about groups, and about the service's own topics."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, NamedTuple, TypeVar

from aiokafka import TopicPartition
from aiokafka.admin import RecordsToDelete
from aiokafka.errors import (
    KafkaError,
    UnknownTopicOrPartitionError,
    for_code,
)

from app.cluster import Broker
from app.errors import UserError
from app.group_offsets import NOT_YET, group_offsets
from app.topic_identity import topic_identities
from app.topics_admin import admin_client

T = TypeVar("T")
_POLL = 0.2
_SECONDS = 30.0


class Member(NamedTuple):
    """A worker in the group, as the broker knows it."""

    client_id: str
    host: str


async def members(bootstrap: Broker, group: str) -> list[Member]:
    """Give the group's members; none of a group that does not exist. Raises UserError."""

    async def ask(admin: Any) -> list[Member]:  # noqa: ANN401 (aiokafka is untyped)
        answer = (await admin.describe_consumer_groups([group]))[0]
        code, *_, found = answer.groups[0][:6]
        if code:
            raise for_code(code)(group)
        return [Member(client_id, host.lstrip("/")) for _, client_id, host, *_ in found]

    return await _of_group(bootstrap, ask)


async def committed(bootstrap: Broker, group: str) -> dict[TopicPartition, int]:
    """Give the group's committed offsets; none of a group that does not exist."""

    async def ask(admin: Any) -> dict[TopicPartition, int]:  # noqa: ANN401
        return await group_offsets(admin, group)

    return await _of_group(bootstrap, ask)


async def _of_group(bootstrap: Broker, ask: Callable[[Any], Awaitable[T]]) -> T:
    """Ask the group's coordinator, which a broker may still be looking for."""
    async with admin_client(bootstrap) as admin:
        while True:
            try:
                return await ask(admin)
            except NOT_YET:
                await asyncio.sleep(_POLL)


async def delete_records(bootstrap: Broker, ends: Mapping[TopicPartition, int]) -> None:
    """Delete all records before these offsets. Raises UserError."""
    async with admin_client(bootstrap) as admin:
        await admin.delete_records({tp: RecordsToDelete(end) for tp, end in ends.items()})


async def delete_topic(bootstrap: Broker, name: str) -> None:
    """Delete a topic if it exists, and wait until the broker no longer knows it."""
    async with admin_client(bootstrap) as admin:
        answer = await admin.delete_topics([name])
        error: type[KafkaError] = for_code(answer.topic_error_codes[0][1])
    if answer.topic_error_codes[0][1] and error is not UnknownTopicOrPartitionError:
        raise UserError(f"the broker refuses to delete topic {name}: {error.__name__}")
    try:
        async with asyncio.timeout(_SECONDS):
            while True:
                if name not in (await topic_identities(bootstrap, [name])).topics:
                    return
                await asyncio.sleep(_POLL)
    except TimeoutError as late:
        raise UserError(f"topic {name} is still being deleted: run this again later") from late
