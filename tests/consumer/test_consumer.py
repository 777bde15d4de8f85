"""`ManualConsumer` against a real broker: what it hands over, and what it commits when."""

import asyncio

import pytest

from app.consumer import ConsumeError, HandlerFailedError, ManualConsumer, Message, NoTopicError
from app.errors import UserError
from tests.consumer.making import (
    LONG,
    committed_is,
    consumer_of,
    filled,
    new_group,
    raising,
    run_until,
    write,
)
from tests.producer.support import new_topic
from tests.support.kafka import Kafka
from tests.support.topics import committed, until


async def test_it_starts_at_the_earliest_and_goes_on_where_it_stopped(kafka: Kafka) -> None:
    topic, group = await filled(kafka.bootstrap, 1, 1200), new_group()
    calls: list[int] = []
    async with consumer_of(kafka.bootstrap, topic, group) as consumer:
        assert len(await next_batch(consumer)) == 500
    async with consumer_of(kafka.bootstrap, topic, group) as consumer:
        await run_until(consumer, raising({}, calls), 700, calls)
    stopped = len(calls)
    assert await committed(kafka.bootstrap, group) == {(topic, 0): stopped}
    async with consumer_of(kafka.bootstrap, topic, group) as consumer:
        await run_until(consumer, raising({}, calls), 1200, calls)
    assert calls == list(range(1200))


async def next_batch(consumer: ManualConsumer) -> list[Message]:
    async with asyncio.timeout(LONG):
        while True:
            batch = await consumer.fetch()
            if batch:
                return batch


async def test_it_commits_every_so_many_records(kafka: Kafka) -> None:
    topic, group = await filled(kafka.bootstrap, 1, 25), new_group()
    options = {"commit_records": 10, "commit_seconds": 10_000.0}
    async with consumer_of(kafka.bootstrap, topic, group, **options) as consumer:
        seen: list[int] = []

        async def handle(message: Message) -> None:
            if message.offset in (10, 20, 24):
                found = await committed(kafka.bootstrap, group)
                seen.append(found[topic, 0])

        calls: list[int] = []

        async def counted(message: Message) -> None:
            await handle(message)
            calls.append(message.offset)

        await run_until(consumer, counted, 25, calls)
    assert seen == [10, 20, 20]


async def test_it_commits_after_so_many_seconds(kafka: Kafka) -> None:
    topic, group = await filled(kafka.bootstrap, 2, 3), new_group()
    options = {"commit_records": 10_000, "commit_seconds": 0.2}
    async with consumer_of(kafka.bootstrap, topic, group, **options) as consumer:
        task = asyncio.create_task(consumer.run(raising({}, []), stop_on=()))
        await committed_is(kafka.bootstrap, group, topic, {0: 3, 1: 3})
        consumer.stop()
        await task


async def test_it_never_commits_past_an_unfinished_record(kafka: Kafka) -> None:
    topic, group = await filled(kafka.bootstrap, 1, 40), new_group()
    release, done = asyncio.Event(), list[int]()

    async def handle(message: Message) -> None:
        if message.offset == 3:
            await release.wait()
        done.append(message.offset)

    options = {"concurrency": 4, "commit_records": 1}
    async with consumer_of(kafka.bootstrap, topic, group, **options) as consumer:
        task = asyncio.create_task(consumer.run(handle, stop_on=()))

        async def others_done() -> bool:
            return len(done) == 39

        await until(others_done, LONG, "done with the others", 0.02)
        await consumer.commit()
        assert await committed(kafka.bootstrap, group) == {(topic, 0): 3}
        release.set()
        await committed_is(kafka.bootstrap, group, topic, {0: 40})
        consumer.stop()
        await task
    assert done.index(3) == 39


async def test_without_a_dead_letter_topic_a_failure_stops_at_its_record(kafka: Kafka) -> None:
    topic, group = await filled(kafka.bootstrap, 1, 10), new_group()
    calls: list[int] = []
    options = {"attempts": 2, "backoff": 0.01}
    with pytest.raises(HandlerFailedError, match="ValueError 2 times at t-") as caught:
        async with consumer_of(kafka.bootstrap, topic, group, **options) as consumer:
            await consumer.run(raising({4: 2}, calls), stop_on=())
    assert isinstance(caught.value.__cause__, ValueError)
    assert "secret" not in str(caught.value)
    assert await committed(kafka.bootstrap, group) == {(topic, 0): 4}
    async with consumer_of(kafka.bootstrap, topic, group, **options) as consumer:
        await run_until(consumer, raising({}, calls), 12, calls)
    assert calls == [0, 1, 2, 3, 4, 4, 4, 5, 6, 7, 8, 9]


async def test_a_failure_is_tried_again_after_which_it_is_a_success(kafka: Kafka) -> None:
    topic, group = await filled(kafka.bootstrap, 1, 3), new_group()
    calls: list[int] = []
    async with consumer_of(kafka.bootstrap, topic, group, backoff=0.01) as consumer:
        await run_until(consumer, raising({1: 2}, calls), 5, calls)
    assert calls == [0, 1, 1, 1, 2]
    assert await committed(kafka.bootstrap, group) == {(topic, 0): 3}


async def test_a_cancelled_run_commits_what_is_finished(kafka: Kafka) -> None:
    topic, group = await filled(kafka.bootstrap, 1, 10), new_group()
    reached = asyncio.Event()

    async def handle(message: Message) -> None:
        if message.offset == 6:
            reached.set()
            await asyncio.Event().wait()

    async def consume() -> None:
        async with consumer_of(kafka.bootstrap, topic, group) as consumer:
            await consumer.run(handle, stop_on=())

    task = asyncio.create_task(consume())
    async with asyncio.timeout(LONG):
        await reached.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await committed(kafka.bootstrap, group) == {(topic, 0): 6}


async def test_iteration_commits_only_what_was_marked(kafka: Kafka) -> None:
    topic, group = await filled(kafka.bootstrap, 1, 20), new_group()
    async with consumer_of(kafka.bootstrap, topic, group) as consumer:
        async with asyncio.timeout(LONG):
            async for message in consumer:
                if message.offset != 7:
                    consumer.finish(message)
                if message.offset == 19:
                    consumer.stop()
    assert await committed(kafka.bootstrap, group) == {(topic, 0): 7}


async def test_who_starts_at_the_latest_finds_it_again_after_a_crash(kafka: Kafka) -> None:
    topic, group = await filled(kafka.bootstrap, 1, 5), new_group()
    options = {"start_from": "latest"}
    async with consumer_of(kafka.bootstrap, topic, group, **options) as consumer:
        await consumer.fetch()
        await committed_is(kafka.bootstrap, group, topic, {0: 5})
    await write(kafka.bootstrap, topic, {0: [b"a", b"b"]})
    calls: list[int] = []
    async with consumer_of(kafka.bootstrap, topic, group, **options) as consumer:
        await run_until(consumer, raising({}, calls), 2, calls)
    assert calls == [5, 6]


async def test_without_a_group_all_is_read_and_nothing_committed(kafka: Kafka) -> None:
    topic = await filled(kafka.bootstrap, 2, 5)
    for _ in range(2):
        async with consumer_of(kafka.bootstrap, topic, None) as consumer:
            calls: list[int] = []
            await run_until(consumer, raising({}, calls), 10, calls)
            assert consumer.positions() == await consumer.end_offsets()
        assert sorted(calls) == sorted([*range(5), *range(5)])


async def test_a_missing_topic_or_broker_is_one_line(kafka: Kafka) -> None:
    with pytest.raises(NoTopicError, match="topic nowhere does not exist"):
        async with consumer_of(kafka.bootstrap, "nowhere", "g"):
            pass
    topic = await new_topic(kafka.bootstrap, 1)
    with pytest.raises(NoTopicError, match="topic no-letters does not exist"):
        async with consumer_of(kafka.bootstrap, topic, "g", dead_letter_topic="no-letters"):
            pass
    with pytest.raises(UserError, match="no Kafka broker answers"):
        async with consumer_of("127.0.0.1:1", topic, "g"):
            pass


async def test_a_consumer_that_is_not_started_says_so(kafka: Kafka) -> None:
    async with consumer_of(kafka.bootstrap, await new_topic(kafka.bootstrap, 1), None) as consumer:
        pass
    with pytest.raises(ConsumeError, match="not started or already closed"):
        await consumer.fetch()
