"""No record goes out to a partition of which the transaction's coordinator may not know.

The transaction before it may still be open in the partition, and would take it in.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import uuid4

import pytest
from aiokafka.errors import KafkaError, RequestTimedOutError
from aiokafka.protocol.produce import ProduceRequest
from aiokafka.protocol.transaction import AddPartitionsToTxnRequest, AddPartitionsToTxnResponse_v0

from app.connections import producer
from app.engine.given_up import stop_quietly
from app.engine.sent_once import NotInTransactionError, send_once
from app.settings import load_settings
from tests.producer.support import new_topic
from tests.support.kafka import Kafka

TOPIC_REFUSED, NOT_ATTEMPTED = 29, 55


async def test_where_the_coordinator_gives_no_answer(kafka: Kafka) -> None:
    async def silent(topic: str) -> Any:  # noqa: ANN401 (aiokafka)
        raise RequestTimedOutError

    assert await sent(kafka, silent) == [AddPartitionsToTxnRequest]


async def test_where_one_of_the_partitions_is_refused(kafka: Kafka) -> None:
    async def refused(topic: str) -> Any:  # noqa: ANN401 (aiokafka)
        return AddPartitionsToTxnResponse_v0(0, [(topic, [(0, TOPIC_REFUSED), (1, NOT_ATTEMPTED)])])

    assert await sent(kafka, refused) == [AddPartitionsToTxnRequest]


async def sent(kafka: Kafka, answer: Callable[[str], Awaitable[Any]]) -> list[type]:
    """Give what a producer sends of a transaction of two records that is answered in this way."""
    topic = await new_topic(kafka.bootstrap, 2)
    client = producer(load_settings(broker=kafka.bootstrap), f"t-{uuid4().hex[:8]}")
    await client.start()
    stock, found = type(client.client).send, list[type]()

    async def answered(node: Any, request: Any, **options: Any) -> Any:  # noqa: ANN401 (aiokafka)
        if isinstance(request, AddPartitionsToTxnRequest | ProduceRequest):
            found.append(type(request))
        if isinstance(request, AddPartitionsToTxnRequest):
            return await answer(topic)
        return await stock(client.client, node, request, **options)

    client.client.send = answered
    send_once(client)
    await client.begin_transaction()
    records = [await client.send(topic, b"value", partition=number) for number in range(2)]
    async with asyncio.timeout(60):
        with pytest.raises(KafkaError):
            await client.commit_transaction()
        for record in records:
            with pytest.raises(NotInTransactionError, match="are not sent"):
                await record
    await stop_quietly(client)
    return found
