"""Questions and orders to the broker about groups, and about the service's own topics."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, NamedTuple, TypeVar

from aiokafka import TopicPartition
from aiokafka.admin import RecordsToDelete
from aiokafka.coordinator.protocol import ConsumerProtocol
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
    """A worker in the group, as the broker knows it; `places`: the partitions that it has."""

    client_id: str
    host: str
    places: Sequence[TopicPartition]


class GroupState(NamedTuple):
    """A group. `state`: Kafka's word for it, Dead for one that does not exist."""

    name: str
    state: str
    protocol: str
    members: Sequence[Member]


async def group_states(bootstrap: Broker, names: Sequence[str]) -> list[GroupState]:
    """Give these groups' states, in this order. Raises UserError."""

    async def ask(admin: Any) -> list[GroupState]:  # noqa: ANN401 (aiokafka is untyped)
        # One by one: aiokafka 0.14 reads answers of version 3 as those of version 2, which ends
        # in the middle of a second group.
        answers = [await admin.describe_consumer_groups([name]) for name in names]
        return [_state(answer.groups[0]) for [answer] in answers]

    return await of_group(bootstrap, ask)


def _state(group: Any) -> GroupState:  # noqa: ANN401
    code, name, state, protocol, _, members = group[:6]
    if code:
        raise for_code(code)(name)
    return GroupState(name, state, protocol, [_member(*member) for member in members])


def _member(_: str, client_id: str, host: str, __: bytes, assignment: bytes) -> Member:
    places: list[TopicPartition] = []
    if assignment:  # Empty until the group's leader has assigned.
        places = sorted(ConsumerProtocol.ASSIGNMENT.decode(assignment).partitions())
    return Member(client_id, host.lstrip("/"), places)


async def members(bootstrap: Broker, group: str) -> Sequence[Member]:
    """Give the group's members; none of a group that does not exist. Raises UserError."""
    [found] = await group_states(bootstrap, [group])
    return found.members


async def group_names(bootstrap: Broker) -> list[str]:
    """Give the names of all groups. Raises UserError."""

    async def ask(admin: Any) -> list[str]:  # noqa: ANN401
        return sorted(name for name, _ in await admin.list_consumer_groups())

    return await of_group(bootstrap, ask)


async def committed(bootstrap: Broker, group: str) -> dict[TopicPartition, int]:
    """Give the group's committed offsets; none of a group that does not exist."""

    async def ask(admin: Any) -> dict[TopicPartition, int]:  # noqa: ANN401
        return await group_offsets(admin, group)

    return await of_group(bootstrap, ask)


async def of_group(bootstrap: Broker, ask: Callable[[Any], Awaitable[T]]) -> T:
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
