"""The copies of partitions on three brokers: who leads, who is in sync, and electing others."""

import asyncio
import time
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager, suppress
from typing import Any

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError
from aiokafka.protocol.api import Request, RequestStruct, Response
from aiokafka.protocol.metadata import MetadataRequest
from aiokafka.protocol.types import Array, Int8, Int16, Int32, Schema, String

from tests.chaos.brokers import ProxiedThree
from tests.support.three_brokers import NODES

SYNC_SECONDS = 120.0
MOVE_SECONDS = 45.0
_TRY_SECONDS = 8.0
_NOT_NOW = (KafkaError, TimeoutError, OSError)
Place = tuple[str, int]
"""(topic, partition)."""
Leaders = dict[Place, int]
"""The node that leads each partition; -1 if none does."""


@asynccontextmanager
async def asking(three: ProxiedThree, node: int) -> AsyncIterator[Any]:
    """An admin client that knows this node first, whatever the others do."""
    address = f"127.0.0.1:{three.three.ports[node]}"
    admin = AIOKafkaAdminClient(bootstrap_servers=address, request_timeout_ms=5000)
    try:
        async with asyncio.timeout(_TRY_SECONDS):
            await admin.start()
        yield admin
    finally:
        await admin.close()


async def partitions(three: ProxiedThree, node: int) -> dict[Place, dict[str, Any]]:
    """What one live node knows of all partitions, internal topics' too."""
    async with asking(three, node) as admin, asyncio.timeout(_TRY_SECONDS):
        found = (await admin._send_request_to_node(node, MetadataRequest(None))).to_object()
    return {(t["topic"], p["partition"]): p for t in found["topics"] for p in t["partitions"]}


async def leaders(three: ProxiedThree, node: int) -> Leaders:
    """Who leads what, as one live node knows it."""
    return {place: p["leader"] for place, p in (await partitions(three, node)).items()}


async def moved(three: ProxiedThree, node: int, led: Collection[Place]) -> bool:
    """Wait until each of these partitions is led by another node; False if one is not."""
    other, end = next(n for n in NODES if n != node), time.monotonic() + MOVE_SECONDS
    while time.monotonic() < end:
        with suppress(*_NOT_NOW):
            now = await leaders(three, other)
            if all(now.get(place, -1) not in (node, -1) for place in led):
                return True
        await asyncio.sleep(0.3)
    return False


async def in_sync(three: ProxiedThree) -> bool:
    """Wait until every partition has all its copies in sync, as an operator does."""
    end = time.monotonic() + SYNC_SECONDS
    while time.monotonic() < end:
        with suppress(*_NOT_NOW):
            found = (await partitions(three, NODES[0])).values()
            if found and all(set(p["replicas"]) == set(p["isr"]) for p in found):
                return True
        await asyncio.sleep(0.3)
    return False


async def unpreferred(three: ProxiedThree) -> Leaders:
    """Partitions that are not led by the first of their replicas, and who leads them."""
    found = await partitions(three, NODES[0])
    return {place: p["leader"] for place, p in found.items() if p["leader"] != p["replicas"][0]}


class _ElectLeadersResponse(Response):  # type: ignore[misc]
    API_KEY = 43
    API_VERSION = 1
    _PARTITION = (("partition", Int32), ("error_code", Int16), ("message", String("utf-8")))
    SCHEMA = Schema(
        ("throttle_time_ms", Int32),
        ("error_code", Int16),
        ("results", Array(("topic", String("utf-8")), ("partitions", Array(*_PARTITION)))),
    )


class _ElectLeadersRequest(RequestStruct):  # type: ignore[misc]
    API_KEY = 43
    API_VERSION = 1
    RESPONSE_TYPE = _ElectLeadersResponse
    SCHEMA = Schema(
        ("election_type", Int8),
        ("topic_partitions", Array(("topic", String("utf-8")), ("partitions", Array(Int32)))),
        ("timeout_ms", Int32),
    )


class _PreferredLeaders(Request[_ElectLeadersRequest]):  # type: ignore[misc]
    """KIP-460, type 0: the first of each partition's replicas becomes its leader."""

    API_KEY = 43

    def build(self, request_struct_class: Any) -> Any:  # noqa: ANN401 (aiokafka is untyped)
        return request_struct_class(0, None, 10_000)


async def elect_preferred(three: ProxiedThree) -> None:
    """Have the preferred leaders of all partitions elected, as Kafka itself does every 5 min."""
    async with asking(three, NODES[0]) as admin:
        answer = await admin._send_request_to_node(NODES[0], _PreferredLeaders())
    assert answer.error_code == 0, answer
