"""What a test does to a consumer group from outside."""

from collections.abc import Collection

from aiokafka.errors import GroupCoordinatorNotAvailableError
from aiokafka.protocol.group import LeaveGroupRequest

from tests.support.admin import admin_of


async def members(bootstrap: str, group: str) -> set[str]:
    """The ids of a group's members."""
    async with admin_of(bootstrap) as admin:
        [answer] = await admin.describe_consumer_groups([group])
        return {member for member, *_ in answer.groups[0][5]}


async def bury_members(bootstrap: str, group: str, spared: Collection[str] = ()) -> int:
    """Have a group's members leave it, as their session's end would; how many they were.

    `spared`: ids of those who stay.

    For workers that have been killed: a test need not wait for session timeouts, and can leave
    them long enough for the slowest machine.
    """
    try:
        async with admin_of(bootstrap) as admin:
            node = await admin.find_coordinator(group)
            [answer] = await admin.describe_consumer_groups([group], group_coordinator_id=node)
            buried: list[str] = [m for m, *_ in answer.groups[0][5] if m not in spared]
            for member in buried:
                left = await admin._send_request(LeaveGroupRequest(group, member), node)
                assert left.error_code == 0, left
            return len(buried)
    except GroupCoordinatorNotAvailableError:
        return 0
