"""A group's committed offsets, as the broker has them.

From version 2 on, OffsetFetch's answer has an error of the whole group beside those of partitions:
a coordinator that still reads the group answers so, with no topics. aiokafka 0.14 does not look at
it. Taken for "nothing committed" it has a worker stop for want of offsets, and a consumer start
anew.
"""

from collections.abc import Iterable
from typing import Any

from aiokafka import TopicPartition
from aiokafka.errors import (
    GroupCoordinatorNotAvailableError,
    GroupLoadInProgressError,
    NotCoordinatorForGroupError,
    for_code,
)
from aiokafka.protocol.commit import OffsetFetchRequest

# What a broker says that still makes or reads what holds a group: ask again.
NOT_YET = (
    GroupCoordinatorNotAvailableError,
    GroupLoadInProgressError,
    NotCoordinatorForGroupError,
)


async def group_offsets(
    admin: Any,  # noqa: ANN401 (aiokafka is untyped)
    group: str,
    partitions: Iterable[TopicPartition] | None = None,
) -> dict[TopicPartition, int]:
    """Ask for the next offset of each partition that the group has committed.

    `partitions`: of these only. Raises KafkaError, one of `NOT_YET` where the broker does not know
    yet.
    """
    wanted: dict[str, list[int]] | None = None
    if partitions is not None:
        wanted = {}
        for tp in partitions:
            wanted.setdefault(tp.topic, []).append(tp.partition)
    request = OffsetFetchRequest(group, None if wanted is None else list(wanted.items()))
    response = await admin._send_request(request, await admin.find_coordinator(group))
    if response.error_code:
        raise for_code(response.error_code)(group)
    found = {}
    for topic, answers in response.topics:
        for partition, offset, _, error in answers:
            if error:
                raise for_code(error)(f"{topic} {partition}")
            if offset >= 0:
                found[TopicPartition(topic, partition)] = offset
    return found


def heed_group_errors(consumer: Any) -> None:  # noqa: ANN401 (aiokafka)
    """Have a started aiokafka consumer ask again where the coordinator cannot tell its offsets."""
    coordinator = consumer._coordinator
    send = coordinator._send_req

    async def heeding(request: Any) -> Any:  # noqa: ANN401 (aiokafka)
        response = await send(request)
        if isinstance(request, OffsetFetchRequest) and response.error_code:
            error = for_code(response.error_code)
            if error is NotCoordinatorForGroupError:
                coordinator.coordinator_dead()
            # The client asks again after the one, and gives up after others.
            raise (GroupLoadInProgressError if error.retriable else error)(coordinator.group_id)
        return response

    coordinator._send_req = heeding
