"""Records whose handler fails for good: each one a dead letter before its offset is committed."""

import logging
import time
from collections.abc import Mapping
from hashlib import sha256

import pytest
from aiokafka import AIOKafkaProducer

from app.consumer import ConsumerOptions, DeadLetterError, ManualConsumer
from tests.consumer.making import consumer_of, filled, new_group, raising, run_until, write
from tests.oracle.records import Record
from tests.producer.support import new_topic
from tests.support.kafka import Kafka
from tests.support.topics import committed, read_all

FAST = {"attempts": 3, "backoff": 0.01, "max_backoff": 0.02}


async def letters(kafka: Kafka, topic: str, partitions: int = 2) -> list[Record]:
    return await read_all(kafka.bootstrap, [topic], partitions)


def headers_of(letter: Record) -> Mapping[str, bytes]:
    return dict(letter.headers)


async def test_a_record_that_fails_for_good_becomes_a_dead_letter(
    kafka: Kafka, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "app.consumer")
    before = int(time.time() * 1000)
    dead, group = await new_topic(kafka.bootstrap, 2), new_group()
    topic = await new_topic(kafka.bootstrap, 2)
    await write(kafka.bootstrap, topic, {1: [b"value-%d" % n for n in range(6)]})
    calls: list[int] = []
    async with consumer_of(
        kafka.bootstrap, topic, group, dead_letter_topic=dead, **FAST
    ) as consumer:
        await run_until(consumer, raising({2: 9, 4: 1}, calls), 9, calls)
    assert calls == [0, 1, 2, 2, 2, 3, 4, 4, 5]
    (letter,) = await letters(kafka, dead)
    assert (letter.partition, letter.key, letter.value) == (1, b"k2", b"value-2")
    headers = dict(headers_of(letter))
    assert before <= int(headers.pop("failed.at")) <= int(time.time() * 1000)
    assert before <= int(headers.pop("source.timestamp")) <= int(time.time() * 1000)
    assert headers == {
        "error.type": b"handler",
        "error.message": b"the handler raised ValueError 3 times",
        "source.topic": topic.encode(),
        "source.partition": b"1",
        "source.offset": b"2",
    }
    assert (await committed(kafka.bootstrap, group))[topic, 1] == 6
    assert "offset 2 raised ValueError" in caplog.text
    assert "secret" not in caplog.text
    assert "value-2" not in caplog.text


async def test_a_null_value_and_a_value_too_large_have_their_letters(kafka: Kafka) -> None:
    """The second in the words of contract 5: null, its size, its digest."""
    dead = await new_topic(kafka.bootstrap, 1, {"max.message.bytes": "2000"})
    topic, group, large = await new_topic(kafka.bootstrap, 1), new_group(), b"x" * 5000
    await write(kafka.bootstrap, topic, {0: [None, large, b"small"]})  # type: ignore[list-item]
    calls: list[int] = []
    async with consumer_of(
        kafka.bootstrap, topic, group, dead_letter_topic=dead, **FAST
    ) as consumer:
        await run_until(consumer, raising({0: 9, 1: 9, 2: 9}, calls), 9, calls)
    first, second, third = await letters(kafka, dead, 1)
    assert (first.value, second.value, third.value) == (None, None, b"small")
    assert "value.size" not in headers_of(first)
    assert headers_of(second)["value.size"] == b"5000"
    assert headers_of(second)["value.sha256"] == sha256(large).hexdigest().encode()
    assert await committed(kafka.bootstrap, group) == {(topic, 0): 3}


async def test_records_without_a_key_have_their_letters(kafka: Kafka) -> None:
    """Of null and null, and of a value that is replaced by null; those behind them go on."""
    dead = await new_topic(kafka.bootstrap, 1, {"max.message.bytes": "2000"})
    topic, group = await new_topic(kafka.bootstrap, 1), new_group()
    values = [None, b"x" * 5000, b"", b"small"]
    async with AIOKafkaProducer(bootstrap_servers=kafka.bootstrap) as producer:
        batch = producer.create_batch()
        for value in values:
            batch.append(timestamp=None, key=None, value=value)
        await (await producer.send_batch(batch, topic, partition=0))
    calls: list[int] = []
    async with consumer_of(
        kafka.bootstrap, topic, group, dead_letter_topic=dead, **FAST
    ) as consumer:
        await run_until(consumer, raising(dict.fromkeys(range(4), 9), calls), 12, calls)
    there = await letters(kafka, dead, 1)
    assert [(letter.key, letter.value) for letter in there] == [
        (None, value) for value in (None, None, b"", b"small")
    ]
    sizes = [headers_of(letter).get("value.size") for letter in there]
    assert sizes == [None, b"5000", None, None]
    assert await committed(kafka.bootstrap, group) == {(topic, 0): 4}


async def test_a_value_too_large_for_a_request_has_its_letter(kafka: Kafka) -> None:
    large = {"max.message.bytes": str(32 << 20)}
    dead, topic = [await new_topic(kafka.bootstrap, 1, large) for _ in range(2)]
    async with AIOKafkaProducer(bootstrap_servers=kafka.bootstrap) as producer:
        batch = producer.create_batch()
        batch.append(timestamp=None, key=None, value=b"x" * (17 << 20))
        await (await producer.send_batch(batch, topic, partition=0))
    calls: list[int] = []
    async with consumer_of(
        kafka.bootstrap, topic, new_group(), dead_letter_topic=dead, attempts=1
    ) as consumer:
        await run_until(consumer, raising({0: 1}, calls), 1, calls)
    (letter,) = await letters(kafka, dead, 1)
    assert (letter.key, letter.value) == (None, None)
    assert headers_of(letter)["value.size"] == b"%d" % (17 << 20)


async def test_a_letter_that_cannot_be_written_holds_its_offset_back(kafka: Kafka) -> None:
    dead = await new_topic(kafka.bootstrap, 1, {"max.message.bytes": "100"})
    topic, group = await filled(kafka.bootstrap, 1, 6), new_group()
    options = ConsumerOptions(dead_letter_topic=dead, attempts=1)
    with pytest.raises(DeadLetterError, match="partition 0 offset 3 could not be written"):
        async with ManualConsumer(kafka.bootstrap, [topic], group, options) as consumer:
            await consumer.run(raising({3: 1}, []), stop_on=())
    assert await letters(kafka, dead, 1) == []
    assert await committed(kafka.bootstrap, group) == {(topic, 0): 3}


async def test_the_letter_is_stored_before_its_offset_is_committed(kafka: Kafka) -> None:
    """With a commit after each record, no commit may come before its letter."""
    dead, group = await new_topic(kafka.bootstrap, 1), new_group()
    topic = await filled(kafka.bootstrap, 1, 5)
    seen: list[tuple[int, int]] = []

    async def look() -> None:
        seen.append((len(calls), len(await letters(kafka, dead, 1))))

    calls: list[int] = []
    options = ConsumerOptions(dead_letter_topic=dead, attempts=1, commit_records=1)
    async with ManualConsumer(
        kafka.bootstrap, [topic], group, options, before_commit=look
    ) as consumer:
        await run_until(consumer, raising(dict.fromkeys(range(5), 1), calls), 5, calls)
    assert seen == [(n, n) for n in range(6)]
