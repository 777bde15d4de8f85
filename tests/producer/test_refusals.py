"""What one refused record leaves of the others: nothing of theirs is lost, or fails, with it."""

import asyncio
import json
from collections.abc import Iterator
from typing import Any, NoReturn

import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaConnectionError

from app.producer import BrokerUnreachableError, Event, EventProducer, RefusedError, by_key
from app.producer.errors import ProduceError
from tests.producer.support import LONG, new_topic, patient, records_in
from tests.support.kafka import Kafka

TOO_LARGE = "x" * 2_000
SMALL = {"max.message.bytes": "1000"}


class Counted(AIOKafkaProducer):  # type: ignore[misc]
    """Knows of every producer that was started."""

    started: list["Counted"]

    async def start(self) -> None:
        self.started.append(self)
        await super().start()


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Counted]]:
    """The aiokafka producers that a test starts, all of which must be stopped at its end."""
    monkeypatch.setattr(Counted, "started", [], raising=False)
    monkeypatch.setattr("app.producer.connection.AIOKafkaProducer", Counted)
    yield Counted.started
    assert all(client._closed for client in Counted.started)


def user_of(partition: int, partitions: int) -> str:
    """A user whose events lie in this partition."""
    numbers = range(100)
    return next(f"u{n}" for n in numbers if by_key(f"u{n}".encode(), partitions) == partition)


async def numbers_in(bootstrap: str, topic: str) -> list[Any]:
    return [json.loads(record.value).get("n") for record in await records_in(bootstrap, topic)]


async def refused(producer: EventProducer, topic: str, user: str) -> None:
    with pytest.raises(RefusedError, match="MessageSizeTooLarge"):
        await producer.send(topic, {"user_id": user, "v": TOO_LARGE})


async def test_what_was_put_is_sent_after_the_refusal_of_another_record(
    kafka: Kafka, started: list[Counted]
) -> None:
    topic = await new_topic(kafka.bootstrap, 2, SMALL)
    here, there = user_of(0, 2), user_of(1, 2)
    async with patient(kafka.bootstrap) as producer:
        lane = await producer.lane(topic)
        await producer.put(topic, {"user_id": here, "n": 1})
        await producer.put(topic, {"user_id": there, "n": 2})
        await refused(producer, topic, here)
        await producer.flush()
        assert await numbers_in(kafka.bootstrap, topic) == [1, 2]
        lane.put(here.encode(), b'{"n":3}')
        await refused(producer, topic, there)
        await producer.put(topic, {"user_id": here, "n": 4})
    assert await numbers_in(kafka.bootstrap, topic) == [1, 3, 4, 2]
    assert len(started) == 3


async def drained(producer: EventProducer) -> NoReturn:
    """Go on until what was put before is refused."""
    while True:
        await producer.drain()
        await asyncio.sleep(0)


async def test_a_flush_sends_what_stands_beside_what_is_refused(kafka: Kafka) -> None:
    small, topic = await new_topic(kafka.bootstrap, 1, SMALL), await new_topic(kafka.bootstrap, 1)
    async with patient(kafka.bootstrap) as producer, asyncio.timeout(LONG):
        lane, other = await producer.lane(small), await producer.lane(topic)
        while not lane.put(b"u", TOO_LARGE.encode()):
            continue
        with pytest.raises(RefusedError, match="MessageSizeTooLarge"):
            await drained(producer)
        other.put(b"u", b'{"n":1}')
        with pytest.raises(RefusedError, match="MessageSizeTooLarge"):
            await producer.flush()
        assert await numbers_in(kafka.bootstrap, topic) == [1]
        await producer.flush()
    assert await numbers_in(kafka.bootstrap, small) == []


async def test_nothing_of_a_refused_batch_comes_later(kafka: Kafka) -> None:
    topic = await new_topic(kafka.bootstrap, 2, SMALL)
    here, there = user_of(0, 2), user_of(1, 2)
    events: list[Event] = []
    for n in range(500):
        events += {"user_id": here, "v": TOO_LARGE}, {"user_id": there, "n": n}
    async with patient(kafka.bootstrap) as producer:
        with pytest.raises(RefusedError, match="MessageSizeTooLarge"):
            await producer.send_batch(topic, events)
        stored = await numbers_in(kafka.bootstrap, topic)
        assert stored == list(range(len(stored)))
        assert (await producer.send_batch(topic, [{"user_id": there, "n": -1}])).sent == 1
    assert await numbers_in(kafka.bootstrap, topic) == [*stored, -1]


async def test_each_of_two_flushes_at_once_says_what_was_refused(kafka: Kafka) -> None:
    topic = await new_topic(kafka.bootstrap, 1, SMALL)
    async with patient(kafka.bootstrap) as producer:
        await producer.put(topic, {"user_id": "u", "v": TOO_LARGE})
        flushes = (producer.flush(), producer.flush())
        answers = await asyncio.gather(*flushes, return_exceptions=True)
        assert [type(answer) for answer in answers] == [RefusedError, RefusedError]
        await producer.flush()


async def test_others_go_on_while_records_are_refused(kafka: Kafka, started: list[Counted]) -> None:
    small = await new_topic(kafka.bootstrap, 2, SMALL)
    topics = [await new_topic(kafka.bootstrap, 1) for _ in range(2)]
    done = asyncio.Event()

    async def sent() -> int:
        count = 0
        while not done.is_set():
            await producer.send(topics[0], {"user_id": "u", "n": count})
            count += 1
        return count

    async def put() -> int:
        count = 0
        while not done.is_set():
            await producer.put(topics[1], {"user_id": "u", "n": count})
            await producer.send_partial()
            count += 1
            await asyncio.sleep(0)
        return count

    async def refusals() -> None:
        for _ in range(5):
            both = (refused(producer, small, user_of(partition, 2)) for partition in range(2))
            await asyncio.gather(*both)
        done.set()

    async with patient(kafka.bootstrap) as producer, asyncio.timeout(LONG):
        *counts, _ = await asyncio.gather(sent(), put(), refusals())
    for topic, count in zip(topics, counts, strict=True):
        assert await numbers_in(kafka.bootstrap, topic) == list(range(count))
    assert 2 <= len(started) <= 11


async def test_what_was_put_outlives_a_broker_that_is_not_found_again_at_once(
    kafka: Kafka, started: list[Counted], monkeypatch: pytest.MonkeyPatch
) -> None:
    topic = await new_topic(kafka.bootstrap, 2, SMALL)
    async with patient(kafka.bootstrap) as producer:
        await producer.put(topic, {"user_id": user_of(1, 2), "n": 1})
        await refused(producer, topic, user_of(0, 2))
        with monkeypatch.context() as patch:

            async def unreachable(_: Counted) -> None:
                raise KafkaConnectionError

            patch.setattr(Counted, "start", unreachable)
            for _ in range(2):
                with pytest.raises(BrokerUnreachableError):
                    await producer.flush()
        await producer.flush()
        assert await numbers_in(kafka.bootstrap, topic) == [1]


async def test_cancelled_while_it_connects_again_the_next_one_connects(
    kafka: Kafka, started: list[Counted], monkeypatch: pytest.MonkeyPatch
) -> None:
    topic = await new_topic(kafka.bootstrap, 1, SMALL)
    async with patient(kafka.bootstrap) as producer:
        await refused(producer, topic, "u")
        with monkeypatch.context() as patch:
            stuck = asyncio.Event()

            async def never(client: Counted) -> None:
                stuck.set()
                await asyncio.Event().wait()

            patch.setattr(Counted, "stop", never)
            sending = asyncio.create_task(producer.send(topic, {"user_id": "u", "n": 0}))
            await asyncio.wait_for(stuck.wait(), LONG)
            sending.cancel()
            with pytest.raises(asyncio.CancelledError):
                await sending
        await started[0].stop()
        assert (await producer.send(topic, {"user_id": "u", "n": 1})).offset == 0
    with pytest.raises(ProduceError, match="already closed"):
        await producer.drain()
