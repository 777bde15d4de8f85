"""What this user may do with a consumer group (KIP-430).

aiokafka 0.14 can ask, by DescribeGroups of version 3, and reads the answer without it.
"""

from typing import Any

from aiokafka.errors import GroupAuthorizationFailedError, for_code
from aiokafka.protocol.admin import DescribeGroupsRequest_v3, DescribeGroupsResponse_v3
from aiokafka.protocol.api import Request

from app.cluster import Broker
from app.groups.admin import of_group


async def group_operations(bootstrap: Broker, group: str) -> int:
    """Ask the group's coordinator; the group need not exist.

    A bit for each of Kafka's AclOperation codes: none where the group may not be described, all
    that there are where no ACLs are in force. Raises UserError.
    """

    async def ask(admin: Any) -> int:  # noqa: ANN401 (aiokafka is untyped)
        try:
            node = await admin.find_coordinator(group)
            [found] = (await admin._send_request(_Describe(group), node)).groups
            code, *_, operations = found
            if code:
                raise for_code(code)(group)
        except GroupAuthorizationFailedError:
            return 0
        return int(operations)

    return await of_group(bootstrap, ask)


class _Version3(DescribeGroupsRequest_v3):  # type: ignore[misc]
    RESPONSE_TYPE = DescribeGroupsResponse_v3


class _Describe(Request[_Version3]):  # type: ignore[misc]
    API_KEY = 15

    def __init__(self, group: str) -> None:
        self._group = group

    def build(self, request_struct_class: Any) -> Any:  # noqa: ANN401
        return request_struct_class([self._group], True)
