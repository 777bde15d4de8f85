"""One broker that is silent holds up nobody: what `BrokerClient` changes in aiokafka's client."""

import asyncio
import hashlib
import inspect
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, conn
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.client import AIOKafkaClient
from aiokafka.errors import KafkaConnectionError, NodeNotReadyError, RequestTimedOutError
from aiokafka.protocol.metadata import MetadataRequest
from aiokafka.protocol.transaction import InitProducerIdRequest
from aiokafka.structs import BrokerMetadata

from app.cluster import BrokerClient, Cluster
from app.cluster.client import ANY
from app.cluster.connecting import Bootstrap
from app.cluster.silence import is_silent, note_answer, note_silence
from tests.cluster.relay import Relay
from tests.support.kafka import Kafka
from tests.support.topics import until

REAL, RELAYED = 1, 99
BOUND, LONG = 60.0, 600.0
"""Seconds: for what must happen at all; so long that nothing here can have waited for it."""


def cluster(address: str, patience: float) -> dict[str, Any]:
    return Cluster(address, broker_timeout=patience).arguments()


@asynccontextmanager
async def two_brokers(kafka: Kafka, patience: float) -> AsyncIterator[tuple[BrokerClient, Relay]]:
    """A client that knows a broker twice: as itself, and behind a relay."""
    async with Relay(kafka.bootstrap).listening() as relay, asyncio.timeout(BOUND):
        client = BrokerClient(**cluster(kafka.bootstrap, patience))
        await client.bootstrap()
        client.cluster._brokers[RELAYED] = BrokerMetadata(RELAYED, *relay.address, None)
        try:
            yield client, relay
        finally:
            relay.silent = relay.deaf = False
            relay.let_go()
            await client.close()


async def test_the_first_bootstrap_address_that_answers_is_taken(
    kafka: Kafka, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("aiokafka.conn.random.shuffle", lambda hosts: None)
    async with Relay(kafka.bootstrap).listening() as relay, asyncio.timeout(BOUND):
        relay.silent = True
        address = f"{relay.address},{relay.address},{kafka.bootstrap}"
        async with AIOKafkaProducer(**cluster(address, LONG)) as producer:
            assert producer.client.cluster.brokers()


async def test_nobody_listens_at_any_bootstrap_address(unused: str) -> None:
    client = BrokerClient(**cluster(f"{unused},{unused}", LONG))
    async with asyncio.timeout(BOUND):
        with pytest.raises(KafkaConnectionError, match="Unable to bootstrap"):
            await client.bootstrap()
        await client.close()


@pytest.fixture
def unused(unused_tcp_port: int) -> str:
    return f"127.0.0.1:{unused_tcp_port}"


async def test_a_connection_that_does_not_come_about_holds_up_no_other(kafka: Kafka) -> None:
    async with two_brokers(kafka, LONG) as (client, relay):
        relay.silent = True
        hanging = asyncio.create_task(client.ready(RELAYED))
        await until(lambda: _true(relay.opened), BOUND, "connecting")
        assert await client.ready(REAL)
        assert not hanging.done()


async def _true(value: object) -> bool:
    return bool(value)


async def test_a_silent_broker_is_not_waited_for_and_taken_up_again_when_it_answers(
    kafka: Kafka,
) -> None:
    async with two_brokers(kafka, LONG) as (client, relay):
        relay.silent = True
        note_silence(*relay.address, LONG)
        assert not await client.ready(RELAYED)
        with pytest.raises(NodeNotReadyError):
            await client.send(RELAYED, MetadataRequest([]))
        relay.silent = False
        await until(lambda: client.ready(RELAYED), BOUND, "taken up again")
        assert not is_silent(*relay.address)


async def test_a_question_without_an_answer_is_asked_elsewhere(kafka: Kafka) -> None:
    async with two_brokers(kafka, 0.5) as (client, relay):
        note_answer(*relay.address)
        assert client._nodes()[0] == RELAYED
        await client.send(RELAYED, MetadataRequest([]))
        relay.silent = True
        answer = await client.send(ANY, MetadataRequest([]))
        assert answer.brokers
        assert is_silent(*relay.address)
        assert client._nodes()[0] == REAL


async def test_metadata_come_from_whoever_answers(kafka: Kafka) -> None:
    async with two_brokers(kafka, 0.5) as (client, relay):
        note_answer(*relay.address)
        relay.silent = True
        assert await client.force_metadata_update()
        assert [broker.nodeId for broker in client.cluster.brokers()] == [REAL]


async def test_without_an_answer_from_anybody_metadata_stay_as_they_are(kafka: Kafka) -> None:
    async with two_brokers(kafka, 0.5) as (client, relay):
        relay.silent = True
        del client.cluster._brokers[REAL]
        assert not await client.force_metadata_update()
        assert [broker.nodeId for broker in client.cluster.brokers()] == [RELAYED]


async def test_who_answers_at_once_is_given_up_where_no_answer_comes(kafka: Kafka) -> None:
    """Whatever else the broker does: a connection may be cut without anybody having ended it."""
    async with two_brokers(kafka, 0.5) as (client, relay):
        assert await client.ready(RELAYED)
        relay.hold()
        with pytest.raises(RequestTimedOutError):
            await client.send(RELAYED, MetadataRequest([]))
        await until(lambda: client.ready(RELAYED), BOUND, "connected anew")


async def test_what_waits_at_a_broker_that_lives_is_waited_for(kafka: Kafka) -> None:
    async with two_brokers(kafka, 0.5) as (client, relay):
        assert await client.ready(RELAYED)
        relay.hold()
        before = relay.opened
        waiting = asyncio.create_task(client.send(RELAYED, InitProducerIdRequest(None, 1000)))
        await until(lambda: _true(relay.opened >= before + 4), BOUND, "asked whether it lives")
        assert not waiting.done()
        relay.let_go()
        assert (await waiting).API_KEY == InitProducerIdRequest.API_KEY


async def test_what_waits_at_a_silent_broker_is_given_up(kafka: Kafka) -> None:
    async with two_brokers(kafka, 0.5) as (client, relay):
        assert await client.ready(RELAYED)
        relay.silent = True
        with pytest.raises(RequestTimedOutError, match="is silent"):
            await client.send(RELAYED, InitProducerIdRequest(None, 1000))


async def test_an_answer_that_takes_long_on_its_way_is_no_silence(kafka: Kafka) -> None:
    async with two_brokers(kafka, 3.0) as (client, relay):
        assert await client.ready(RELAYED)
        relay.slow_s = 1.5
        assert (await client.send(RELAYED, MetadataRequest([]))).brokers


async def test_a_client_is_closed_though_a_broker_takes_nothing_more(kafka: Kafka) -> None:
    async with two_brokers(kafka, 0.5) as (client, relay):
        assert await client.ready(RELAYED)
        relay.deaf = True
        connection = await client._get_conn(RELAYED)
        assert connection is not None
        connection._writer.write(bytes(64 << 20))
        await client.close()


async def test_a_client_that_is_closed_connects_to_nobody_any_more(kafka: Kafka) -> None:
    """Whatever task its owner has not ended yet."""
    async with two_brokers(kafka, 3.0) as (client, _):
        assert await client.ready(REAL)
        await client.close()
        assert not await client.ready(REAL)
        with pytest.raises(NodeNotReadyError):
            await client.send(REAL, MetadataRequest([]))


async def test_a_cancellation_while_it_is_closed_is_not_swallowed(kafka: Kafka) -> None:
    async with two_brokers(kafka, 3.0) as (client, _):
        assert await client.ready(REAL)
        closing = asyncio.create_task(client.close())
        await asyncio.sleep(0)
        closing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await closing
        assert not any(connection.connected() for connection in client._conns.values())


async def test_every_client_is_one_of_these(kafka: Kafka) -> None:
    given = cluster(kafka.bootstrap, 2.5)
    assert given["bootstrap_servers"] == Bootstrap(kafka.bootstrap, 1.0)
    consumer, admin = AIOKafkaConsumer(**given), AIOKafkaAdminClient(**given)
    async with AIOKafkaProducer(**given) as producer:
        clients = [producer.client, consumer._client, admin._client]
        for client in clients:
            assert isinstance(client, BrokerClient)
            assert client.patience == 2.5
            assert client.limit == 40
    await consumer.stop()
    await admin.close()


KNOWN = {
    "bootstrap": "198943b004e55849",
    "get_random_node": "0e2daf38b78e99a7",
    "_metadata_update": "06dc51ed3e0d38b8",
    "_get_conn": "68ce5d8391719d33",
    "send": "246b277687d7b687",
    "close": "02119d4d618ae493",
    "_md_synchronizer": "e0421bffa9a7735a",
    "create_conn": "673276cbddb4dc7c",
}
"""Beginnings of the SHA-256 of what is replaced, or built upon, in aiokafka 0.14."""


@pytest.mark.parametrize("name", KNOWN)
def test_aiokafka_is_as_it_was_when_it_was_changed(name: str) -> None:
    stock = getattr(AIOKafkaClient, name, None) or getattr(conn, name)
    found = hashlib.sha256(inspect.getsource(stock).encode()).hexdigest()[:16]
    assert found == KNOWN[name], f"read what is new in {name}, and see whether client.py fits it"
