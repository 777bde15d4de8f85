"""Offsets of a group that the broker still reads are unknown, not none."""

import asyncio
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import GroupLoadInProgressError, KafkaError
from aiokafka.protocol.commit import OffsetFetchRequest
from aiokafka.structs import OffsetAndMetadata

from app.broker import EmbeddedBroker
from app.group_offsets import group_offsets, heed_group_errors
from tests.support.ports import held_port

PLACE = TopicPartition("t", 0)
LOADING = SimpleNamespace(topics=[], error_code=14)


class LoadingOnce:
    """A coordinator that reads the group when it is asked first."""

    group_id = "g"

    def __init__(self) -> None:
        self.asked = 0

    async def _send_req(self, request: object) -> SimpleNamespace:
        self.asked += 1
        if self.asked == 1:
            return LOADING
        return SimpleNamespace(topics=[("t", [(0, 7, "", 0)])], error_code=0)


async def test_a_consumer_takes_an_error_of_the_group_for_one() -> None:
    coordinator = LoadingOnce()
    heed_group_errors(SimpleNamespace(_coordinator=coordinator))
    request = OffsetFetchRequest("g", [("t", [0])])
    send: Any = coordinator._send_req
    with pytest.raises(GroupLoadInProgressError):
        await send(request)
    assert (await send(request)).topics


async def test_an_admin_takes_an_error_of_the_group_for_one() -> None:
    async def coordinator(group: str) -> int:
        return 1

    async def loading(request: object, node: int) -> SimpleNamespace:
        return LOADING

    admin = SimpleNamespace(find_coordinator=coordinator, _send_request=loading)
    with pytest.raises(GroupLoadInProgressError):
        await group_offsets(admin, "g")


async def test_after_a_kill_of_the_broker_no_answer_says_that_nothing_is_committed(
    tmp_path: Path,
) -> None:
    with held_port() as port:
        broker = EmbeddedBroker(tmp_path / "broker", port)
        bootstrap = broker.start().bootstrap
        try:
            admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
            await admin.start()
            await admin.create_topics([NewTopic("t", 1, 1)])
            await commit_much(bootstrap)
            broker.kill()
            starting = asyncio.create_task(asyncio.to_thread(broker.start))
            answers = [await ask(admin) for _ in range(5)]
            await starting
            answers += [await ask(admin) for _ in range(20)]
            await admin.close()
        finally:
            broker.stop()
    assert {answer for answer in answers if answer is not None} == {500}


async def commit_much(bootstrap: str) -> None:
    """Write enough commits that the broker needs a moment to read them."""
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, group_id="g", enable_auto_commit=False)
    await consumer.start()
    try:
        consumer.assign([PLACE])
        for offset in range(1, 501):
            await consumer.commit({PLACE: OffsetAndMetadata(offset, "")})
    finally:
        await consumer.stop()


async def ask(admin: AIOKafkaAdminClient) -> int | None:
    """The committed offset as the broker gives it; None where it cannot tell."""
    try:
        async with asyncio.timeout(30):
            return (await group_offsets(admin, "g")).get(PLACE, 0)
    except (KafkaError, OSError, TimeoutError):
        await asyncio.sleep(0.2)
        return None
