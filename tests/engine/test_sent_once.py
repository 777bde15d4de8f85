"""A producer of whose transaction's request no answer came sends nothing more."""

import asyncio
from typing import Any
from uuid import uuid4

import pytest
from aiokafka.errors import KafkaError, RequestTimedOutError
from aiokafka.protocol.produce import ProduceRequest
from aiokafka.protocol.transaction import AddPartitionsToTxnRequest

from app.connections import producer
from app.engine.given_up import stop_quietly
from app.engine.sent_once import OutcomeUnknownError, send_once
from app.settings import load_settings
from tests.producer.support import new_topic
from tests.support.kafka import Kafka


async def test_no_record_goes_out_of_which_the_coordinator_may_not_know(kafka: Kafka) -> None:
    """The transaction before it may still be open in the partition, and would take it in."""
    topic = await new_topic(kafka.bootstrap, 1)
    client = producer(load_settings(broker=kafka.bootstrap), f"t-{uuid4().hex[:8]}")
    await client.start()
    stock, sent = type(client.client).send, list[type]()

    async def unanswered(node: Any, request: Any, **options: Any) -> Any:  # noqa: ANN401
        sent.append(type(request))
        if isinstance(request, AddPartitionsToTxnRequest):
            raise RequestTimedOutError
        return await stock(client.client, node, request, **options)

    client.client.send = unanswered
    send_once(client)
    await client.begin_transaction()
    record = await client.send(topic, b"value", partition=0)
    with pytest.raises(KafkaError):
        async with asyncio.timeout(60):
            await client.commit_transaction()
    with pytest.raises(OutcomeUnknownError, match="is not sent"):
        async with asyncio.timeout(60):
            await record
    await stop_quietly(client)
    assert AddPartitionsToTxnRequest in sent
    assert ProduceRequest not in sent
