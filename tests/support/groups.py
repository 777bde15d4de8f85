"""What a test does to a consumer group from outside."""

from typing import Any

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import GroupCoordinatorNotAvailableError
from aiokafka.protocol.group import LeaveGroupRequest


async def bury_members(bootstrap: str, group: str) -> int:
    """Have all members of a group leave it, as their session's end would; how many they were.

    For workers that have been killed: a test need not wait for session timeouts, and can leave
    them long enough for the slowest machine.
    """
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        node = await admin.find_coordinator(group)
        [answer] = await admin.describe_consumer_groups([group], group_coordinator_id=node)
        members: list[Any] = answer.groups[0][5]
        for member, *_ in members:
            left = await admin._send_request(LeaveGroupRequest(group, member), node)
            assert left.error_code == 0, left
        return len(members)
    except GroupCoordinatorNotAvailableError:
        return 0
    finally:
        await admin.close()
