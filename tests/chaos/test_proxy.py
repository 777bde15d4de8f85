"""The proxy does what its rules say, and nothing else."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from uuid import uuid4

import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from tests.chaos.brokers import ProxiedBroker
from tests.chaos.hijack import hijack
from tests.chaos.proxy import Action, Api, Rule
from tests.support.topics import ends, read_all, until

LONG = 120.0


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ProxiedBroker]:
    with ProxiedBroker(tmp_path_factory.mktemp("proxied") / "broker") as broker:
        yield broker


class Shop:
    """A topic, and a transactional producer behind the proxy that writes to it."""

    def __init__(self, broker: ProxiedBroker, topic: str, producer: AIOKafkaProducer) -> None:
        self.broker = broker
        self.topic = topic
        self.producer = producer

    async def begin(self, value: bytes) -> "asyncio.Task[None]":
        """Write a record in a transaction; the task that commits it."""
        await self.producer.begin_transaction()
        await self.producer.send_and_wait(self.topic, value)
        return asyncio.create_task(self.producer.commit_transaction())

    async def visible(self) -> list[bytes | None]:
        return [record.value for record in await read_all(self.broker.direct, [self.topic], 1)]

    async def is_open(self) -> bool:
        """Whether a transaction is open in the topic."""
        stable = await ends(self.broker.direct, [self.topic], 1)
        return stable != await ends(self.broker.direct, [self.topic], 1, "read_uncommitted")


@asynccontextmanager
async def shop(broker: ProxiedBroker) -> AsyncIterator[Shop]:
    name = f"p-{uuid4().hex[:10]}"
    admin = AIOKafkaAdminClient(bootstrap_servers=broker.direct)
    await admin.start()
    await admin.create_topics([NewTopic(name, 1, 1)])
    await admin.close()
    async with AIOKafkaProducer(
        bootstrap_servers=broker.proxied, client_id=name, transactional_id=name
    ) as producer:
        yield Shop(broker, name, producer)


async def done(task: "asyncio.Task[None]") -> None:
    async with asyncio.timeout(LONG):
        await task


@pytest.mark.parametrize("action", [Action.DROP_REQUEST, Action.DROP_ANSWER])
async def test_dropped_it_is_sent_again_on_another_connection(
    broker: ProxiedBroker, action: Action
) -> None:
    async with shop(broker) as it:
        rule = broker.proxy.add(Rule(Api.END_TXN, action, it.topic))
        before = broker.proxy.seen[Api.END_TXN]
        await done(await it.begin(b"1"))
        assert broker.proxy.seen[Api.END_TXN] >= before + 2
        (strike,) = rule.strikes
        assert (strike.delivered is None) == (action is Action.DROP_REQUEST)
        assert strike.error == (None if action is Action.DROP_REQUEST else 0)
        await until_visible(it, [b"1"])


async def test_a_held_request_reaches_the_broker_when_it_is_released(broker: ProxiedBroker) -> None:
    async with shop(broker) as it:
        rule = broker.proxy.add(Rule(Api.END_TXN, Action.HOLD_REQUEST, it.topic, seconds=LONG))
        committing = await it.begin(b"1")
        (strike,) = await rule.struck()
        assert await it.is_open()
        assert not committing.done()
        assert strike.delivered is None
        rule.release()
        await done(committing)
        assert strike.error == 0
        await done(await it.begin(b"2"))
        await until_visible(it, [b"1", b"2"])


async def test_a_held_answer_comes_when_it_is_released(broker: ProxiedBroker) -> None:
    async with shop(broker) as it:
        rule = broker.proxy.add(Rule(Api.END_TXN, Action.HOLD_ANSWER, it.topic, seconds=LONG))
        committing = await it.begin(b"1")
        (strike,) = await rule.struck()
        assert strike.error == 0
        await until_visible(it, [b"1"])
        assert not committing.done()
        rule.release()
        await done(committing)


async def test_a_hold_ends_by_itself(broker: ProxiedBroker) -> None:
    async with shop(broker) as it:
        rule = broker.proxy.add(Rule(Api.END_TXN, Action.HOLD_REQUEST, it.topic, seconds=0.2))
        await done(await it.begin(b"1"))
        assert len(rule.strikes) == 1


@pytest.mark.parametrize("action", [Action.SWALLOW_REQUEST, Action.SWALLOW_ANSWER])
async def test_a_swallowing_connection_stays_silent_until_it_is_cut(
    broker: ProxiedBroker, action: Action
) -> None:
    async with shop(broker) as it:
        rule = broker.proxy.add(Rule(Api.END_TXN, action, it.topic))
        committing = await it.begin(b"1")
        (strike,) = await rule.struck()
        if action is Action.SWALLOW_ANSWER:
            assert strike.error == 0
            await until_visible(it, [b"1"])
        else:
            assert await it.is_open()
        assert not committing.done()
        assert broker.proxy.cut() > 0
        await done(committing)
        await until_visible(it, [b"1"])


async def test_delivered_late_it_ends_the_next_transaction(broker: ProxiedBroker) -> None:
    """Why a worker must not go on after a commit without an answer (reliability, rule 3)."""
    async with shop(broker) as it:
        rule = broker.proxy.add(Rule(Api.END_TXN, Action.DELIVER_LATE, it.topic, seconds=LONG))
        await done(await it.begin(b"1"))
        assert rule.strikes[0].delivered is None
        await it.producer.begin_transaction()
        await it.producer.send_and_wait(it.topic, b"half")
        await until_visible(it, [b"1"])
        rule.release()
        assert (await rule.answered())[0].error == 0
        await until_visible(it, [b"1", b"half"])
        # And the client never learns of it.
        await it.producer.commit_transaction()


async def until_visible(it: Shop, values: list[bytes]) -> None:
    async def visible() -> bool:
        return await it.visible() == values

    await until(visible, LONG, f"{values} visible")


async def test_paused_nothing_passes_and_nothing_is_lost(broker: ProxiedBroker) -> None:
    async with shop(broker) as it:
        broker.proxy.pause(LONG)
        beginning = asyncio.create_task(it.begin(b"1"))
        assert await it.visible() == []
        assert not beginning.done()
        broker.proxy.resume()
        await done(await beginning)
        broker.proxy.pause(0.2)
        await done(await it.begin(b"2"))
        broker.proxy.latency(0.01)
        await done(await it.begin(b"3"))
        broker.proxy.latency(0)
        await until_visible(it, [b"1", b"2", b"3"])


async def test_the_broker_comes_back_where_it_was(broker: ProxiedBroker) -> None:
    async with shop(broker) as it:
        await done(await it.begin(b"1"))
        await asyncio.to_thread(broker.kill)
        await asyncio.to_thread(broker.restart)
        await done(await it.begin(b"2"))
        broker.pause()
        beginning = asyncio.create_task(it.begin(b"3"))
        broker.resume()
        await done(await beginning)
        await until_visible(it, [b"1", b"2", b"3"])


async def test_a_hijacker_fences_the_owner_and_is_fenced(broker: ProxiedBroker) -> None:
    async with shop(broker) as it:
        await done(await it.begin(b"1"))
        async with hijack(broker.direct, it.topic, it.topic) as hijacked:
            assert hijacked.epoch > it.producer._txn_manager.producer_epoch
            assert await it.is_open()
            async with AIOKafkaProducer(
                bootstrap_servers=broker.direct, transactional_id=it.topic
            ) as owner:
                assert owner._txn_manager.producer_epoch > hijacked.epoch
        assert hijacked.fenced
        async with hijack(broker.direct, it.topic, it.topic) as hijacked:
            pass
        assert hijacked.fenced is False
        await until_visible(it, [b"1"])


async def test_what_is_not_kafkas_ends_the_connection(broker: ProxiedBroker) -> None:
    for garbage in (b"\x00\x00\x00\x02hi", b"GET / HTTP/1.1\r\n\r\n"):
        reader, writer = await asyncio.open_connection("127.0.0.1", broker.proxy.port)
        writer.write(garbage)
        async with asyncio.timeout(LONG):
            with suppress(ConnectionResetError):
                assert await reader.read() == b""
        writer.close()
