"""Handlers that take longer than their group waits for them."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from app.consumer import Handler, ManualConsumer, Message
from tests.consumer.making import LONG, Option, committed_is, consumer_of, filled, new_group
from tests.support.groups import members
from tests.support.kafka import Kafka
from tests.support.topics import committed, until

IMPATIENT = {"session_timeout": 2.0, "heartbeat_interval": 0.3, "max_poll_interval": 2.0}
"""As short as the options allow beside this session."""
PATIENT = {"session_timeout": 10.0, "heartbeat_interval": 0.3}
"""No session ends by itself, however slow the machine."""
NEVER = {"commit_records": 10_000, "commit_seconds": 10_000.0}
"""No commit but those of a rebalance and of the end."""

Call = tuple[int, int]
"""An offset, and which of the calls with it, from 1."""


class Held:
    """A handler that holds some calls until they are let go."""

    def __init__(self, *calls: Call) -> None:
        """`calls` to hold."""
        self.offsets: list[int] = []
        self.done: list[Call] = []
        self._gates = {call: asyncio.Event() for call in calls}

    async def __call__(self, message: Message) -> None:
        self.offsets.append(message.offset)
        call = (message.offset, self.offsets.count(message.offset))
        if call in self._gates:
            await self._gates[call].wait()
        self.done.append(call)

    def let_go(self, call: Call) -> None:
        self._gates[call].set()

    async def has_begun(self, call: Call) -> None:
        async def begun() -> bool:
            return self.offsets.count(call[0]) >= call[1]

        await until(begun, LONG, f"at call {call}", 0.02)

    async def has_done(self, *calls: Call) -> None:
        async def all_done() -> bool:
            return set(calls) <= set(self.done)

        await until(all_done, LONG, f"done with {calls}", 0.02)


@asynccontextmanager
async def running(
    kafka: Kafka, topic: str, group: str, handle: Handler, **options: Option
) -> AsyncIterator[ManualConsumer]:
    """A consumer that runs, and is stopped gracefully at the end."""
    async with consumer_of(kafka.bootstrap, topic, group, **options) as consumer:
        task = asyncio.create_task(consumer.run(handle, stop_on=()))
        try:
            yield consumer
            consumer.stop()
            await asyncio.wait_for(task, LONG)
        finally:
            task.cancel()


async def next_handled(kafka: Kafka, topic: str, group: str, count: int) -> list[int]:
    """The offsets that a member of the group is given that takes so many records and leaves."""
    offsets: list[int] = []

    async def handle(message: Message) -> None:
        offsets.append(message.offset)
        if len(offsets) == count:
            consumer.stop()

    async with consumer_of(kafka.bootstrap, topic, group, **PATIENT) as consumer:
        async with asyncio.timeout(LONG):
            await consumer.run(handle, stop_on=())
    return offsets


async def has_members(kafka: Kafka, group: str, count: int) -> None:
    async def so_many() -> bool:
        return len(await members(kafka.bootstrap, group)) == count

    await until(so_many, LONG, f"of {count} members")


@pytest.mark.parametrize("taken", [2, 5])
async def test_the_group_goes_on_without_a_member_that_asks_for_nothing(
    kafka: Kafka, taken: int
) -> None:
    """It would commit 4: ahead of its heir, or back. The heir has left, so nobody would object."""
    topic, group = await filled(kafka.bootstrap, 1, 6), new_group()
    slow = Held((3, 1))
    async with running(kafka, topic, group, slow, **IMPATIENT, **NEVER) as consumer:
        await slow.has_begun((3, 1))
        await has_members(kafka, group, 0)
        assert await next_handled(kafka, topic, group, taken) == [*range(taken)]
        slow.let_go((3, 1))
        consumer.stop()
    assert slow.offsets == [0, 1, 2, 3]
    assert await committed(kafka.bootstrap, group) == {(topic, 0): taken}
    assert await next_handled(kafka, topic, group, 6 - taken) == [*range(taken, 6)]
    assert await committed(kafka.bootstrap, group) == {(topic, 0): 6}


async def test_a_member_that_asked_for_nothing_joins_again(kafka: Kafka) -> None:
    """What it finished while it was no member comes again."""
    topic, group = await filled(kafka.bootstrap, 1, 6), new_group()
    slow = Held((3, 1))
    often = {"commit_records": 6, "commit_seconds": 10_000.0}
    async with running(kafka, topic, group, slow, **IMPATIENT, **often):
        await slow.has_begun((3, 1))
        await has_members(kafka, group, 0)
        slow.let_go((3, 1))
        await committed_is(kafka.bootstrap, group, topic, {0: 6})
    assert slow.offsets[:4] == [0, 1, 2, 3]
    assert set(slow.offsets[4:]) == set(range(6))


async def test_a_rebalance_waits_for_handlers_half_a_session_and_not_longer(kafka: Kafka) -> None:
    """Of two handlers one ends in time, one too late: its record is the next owner's.

    Whichever member that is: Kafka deals the one partition by the members' random ids.
    """
    topic, group = await filled(kafka.bootstrap, 1, 4), new_group()
    in_time, late, again = (0, 1), (1, 1), (1, 2)
    handler = Held(in_time, late, again)
    options = {**PATIENT, **NEVER, "concurrency": 2}
    async with running(kafka, topic, group, handler, **options) as first:

        async def rebalancing() -> bool:
            return first.positions() is None

        await handler.has_begun(late)
        async with running(kafka, topic, group, handler, **options):
            await until(rebalancing, LONG, "in a rebalance", 0.02)
            handler.let_go(in_time)
            await committed_is(kafka.bootstrap, group, topic, {0: 1})
            handler.let_go(late)
            await handler.has_done(late)
            await handler.has_begun(again)
            await first.commit()
            assert await committed(kafka.bootstrap, group) == {(topic, 0): 1}
            handler.let_go(again)
            await handler.has_done(again, (2, 1), (3, 1))
    assert sorted(handler.offsets) == [0, 1, 1, 2, 3]
    assert await committed(kafka.bootstrap, group) == {(topic, 0): 4}


async def test_a_record_of_an_earlier_assignment_cannot_be_finished(kafka: Kafka) -> None:
    """Not even while the same member has the partition again, and the same records before it."""
    topic, group = await filled(kafka.bootstrap, 1, 4), new_group()
    async with consumer_of(kafka.bootstrap, topic, group, **PATIENT, **NEVER) as consumer:
        early: list[Message] = []

        async def all_read() -> bool:
            early.extend(await consumer.fetch())
            return len(early) == 4

        async def read_anew() -> bool:
            return any(message.epoch > early[0].epoch for message in await consumer.fetch())

        await until(all_read, LONG, "at all records")
        async with consumer_of(kafka.bootstrap, topic, group, **PATIENT):
            await has_members(kafka, group, 2)
        await until(read_anew, LONG, "reading anew")
        for message in early:
            consumer.finish(message)
        await consumer.commit()
    assert await committed(kafka.bootstrap, group) == {(topic, 0): 0}
    assert await next_handled(kafka, topic, group, 4) == [0, 1, 2, 3]
