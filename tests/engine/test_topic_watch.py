"""Looks at the topics: when one counts for a commit, and what a silent broker means."""

import asyncio

import pytest

from app.engine.errors import StateError
from app.engine.topic_watch import TopicWatch
from app.errors import UserError
from app.topic_identity import ClusterIdentity, TopicIdentity

KNOWN = {"clicks": TopicIdentity("a" * 32, 4), "log": TopicIdentity("b" * 32, 4)}
ROLES = {"clicks": "in", "log": "changelog"}
SECONDS = 60


class Broker:
    """Answers looks when it is let to."""

    def __init__(self) -> None:
        self.topics = dict(KNOWN)
        self.silent = 0
        self.asked = 0
        self.answers = asyncio.Semaphore(0)

    async def look(self) -> ClusterIdentity:
        self.asked += 1
        found = ClusterIdentity("c", dict(self.topics))
        await self.answers.acquire()
        if self.silent:
            self.silent -= 1
            raise UserError("no broker answers")
        return found

    async def until_asked(self, times: int) -> None:
        async with asyncio.timeout(SECONDS):
            while True:
                if self.asked == times:
                    return
                await asyncio.sleep(0.01)


async def ended(*tasks: "asyncio.Task[None]") -> None:
    async with asyncio.timeout(SECONDS):
        await asyncio.wait(tasks)


async def changed_during_a_look(broker: Broker, watch: TopicWatch) -> "asyncio.Task[None]":
    """Have a confirmation wait for a look that was asked before `clicks` was made anew."""
    confirming = asyncio.create_task(watch.confirm())
    await broker.until_asked(1)
    broker.topics["clicks"] = TopicIdentity("d" * 32, 4)
    return confirming


async def test_a_look_under_way_does_not_count() -> None:
    """The topics may have changed since it was asked, and the records may be of those after."""
    broker = Broker()
    watch = TopicWatch(broker.look, KNOWN, ROLES)
    first = await changed_during_a_look(broker, watch)
    second = asyncio.create_task(watch.confirm())
    third = asyncio.create_task(watch.confirm())
    broker.answers.release()
    await ended(first)
    assert first.exception() is None
    await broker.until_asked(2)
    assert not second.done()
    assert not third.done()
    broker.answers.release()
    await ended(second, third)
    for late in (second, third):
        with pytest.raises(StateError, match="topic clicks was deleted and created anew"):
            late.result()
    assert broker.asked == 2
    with pytest.raises(StateError):
        await watch.confirm()
    assert broker.asked == 2


async def test_a_look_that_fails_is_not_made_good_by_the_one_before_it() -> None:
    broker = Broker()
    watch = TopicWatch(broker.look, KNOWN, ROLES)
    first = await changed_during_a_look(broker, watch)
    second = asyncio.create_task(watch.confirm())
    await asyncio.sleep(0)
    broker.answers.release()
    await ended(first)
    await broker.until_asked(2)
    broker.silent = 1
    broker.answers.release()
    await broker.until_asked(3)
    assert not second.done()
    broker.answers.release()
    await ended(second)
    with pytest.raises(StateError, match="topic clicks was deleted and created anew"):
        second.result()


async def test_silence_is_no_change_and_no_confirmation() -> None:
    broker = Broker()
    watch = TopicWatch(broker.look, KNOWN, ROLES)
    broker.silent = 2
    asking = asyncio.create_task(watch.confirm())
    for times in (1, 2):
        await broker.until_asked(times)
        assert not asking.done()
        broker.answers.release()
    await broker.until_asked(3)
    assert not asking.done()
    broker.answers.release()
    await ended(asking)
    assert asking.exception() is None
    assert watch.failure is None


@pytest.mark.parametrize(
    ("now", "says"),
    [
        (None, "topic log was deleted while it was in use"),
        (TopicIdentity("b" * 32, 5), "from 4 to 5 partitions"),
        (TopicIdentity("e" * 32, 4), "created anew"),
    ],
)
async def test_the_watch_ends_with_what_anybody_saw(now: TopicIdentity | None, says: str) -> None:
    broker = Broker()
    watch = TopicWatch(broker.look, KNOWN, ROLES)
    running = asyncio.create_task(watch.run())
    broker.topics.pop("log")
    if now is not None:
        broker.topics["log"] = now
    asking = asyncio.create_task(watch.confirm())
    await broker.until_asked(1)
    broker.answers.release()
    await ended(asking, running)
    with pytest.raises(StateError, match=says):
        asking.result()
    with pytest.raises(StateError, match=says):
        running.result()
