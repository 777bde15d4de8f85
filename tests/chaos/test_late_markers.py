"""While a transaction's markers are late, nothing of the next one may become part of it."""

import asyncio
from collections.abc import Iterator
from contextlib import suppress

import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from app.engine.sent_once import send_once
from tests.chaos.brokers import ProxiedBroker
from tests.chaos.proxy import Action, Api, Rule
from tests.support.admin import create_topic
from tests.support.topics import read_all, settled, until

LONG = 60.0
NAME = "late"


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ProxiedBroker]:
    with ProxiedBroker(tmp_path_factory.mktemp("proxied") / "broker") as broker:
        yield broker


async def test_a_record_stays_here_whose_partition_may_not_be_in_the_transaction(
    broker: ProxiedBroker,
) -> None:
    await create_topic(broker.direct, NAME, 1)
    producer = send_once(AIOKafkaProducer(bootstrap_servers=broker.proxied, transactional_id=NAME))
    await producer.start()
    await producer.begin_transaction()
    await producer.send_and_wait(NAME, b"first", partition=0)
    markers = broker.between.add(
        Rule(Api.WRITE_TXN_MARKERS, Action.HOLD_REQUEST, times=100, seconds=LONG)
    )
    await producer.commit_transaction()
    await markers.struck()
    lost = broker.proxy.add(Rule(Api.ADD_PARTITIONS_TO_TXN, Action.DROP_REQUEST, NAME))
    await producer.begin_transaction()
    sent = await producer.send(NAME, b"second", partition=0)
    await lost.struck()
    # Time in which it would go out: it has no other sign that it stays.
    await asyncio.sleep(2)
    with suppress(KafkaError, TimeoutError):
        async with asyncio.timeout(5):
            await producer.stop()
    await producer.client.close()
    sent.cancel()
    markers.release()

    async def marked() -> bool:
        return await settled(broker.direct, [NAME], 1)

    await until(marked, LONG, "marked")
    assert [record.value for record in await read_all(broker.direct, [NAME], 1)] == [b"first"]
