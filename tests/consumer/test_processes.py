"""Consumers that are stopped, killed, frozen, and joined by others."""

import asyncio
import signal

from app.consumer import Message
from tests.consumer.making import (
    LONG,
    Child,
    child,
    committed_is,
    consumer_of,
    filled,
    new_group,
)
from tests.support.kafka import Kafka
from tests.support.topics import committed, until

QUICK = {"session_timeout": 2.0, "heartbeat_interval": 0.3}
PATIENT = {**QUICK, "session_timeout": 10.0}
"""No session ends by itself, however slow the machine."""


def every(partitions: int, each: int) -> list[tuple[int, int]]:
    return [(p, o) for p in range(partitions) for o in range(each)]


async def test_sigterm_commits_exactly_what_is_done(kafka: Kafka) -> None:
    topic, group = await filled(kafka.bootstrap, 1, 2000), new_group()
    slow = {"commit_records": 10_000, "commit_seconds": 10_000.0}
    with child(kafka.bootstrap, topic, group, 0.002, **slow) as first:
        await first.has_handled(20)
        assert await first.ended(signal.SIGTERM) == 0, first.log
        done = first.handled
    assert 20 <= len(done) < 2000
    assert await committed(kafka.bootstrap, group) == {(topic, 0): len(done)}


async def test_after_kill_9_nothing_is_left_out_and_the_uncommitted_comes_again(
    kafka: Kafka,
) -> None:
    topic, group = await filled(kafka.bootstrap, 2, 300), new_group()
    often = {**QUICK, "commit_records": 50, "commit_seconds": 10_000.0}
    with child(kafka.bootstrap, topic, group, 0.002, **often) as first:
        await first.has_handled(130)
        await frozen_past_commit(first, kafka.bootstrap, group)
        first.kill()
        before = set(first.handled)
    at = await committed(kafka.bootstrap, group)
    with child(kafka.bootstrap, topic, group, **often) as second:
        await second.has_handled(600 - sum(at.values()))
        assert await second.ended(signal.SIGTERM) == 0, second.log
        after = second.handled
    assert sorted(before | set(after)) == every(2, 300)
    again = sorted(before & set(after))
    assert again == sorted((p, o) for p, o in before if o >= at[topic, p])
    assert again, "the kill struck just after a commit"


async def frozen_past_commit(child: Child, bootstrap: str, group: str) -> None:
    """Freeze it where at least ten records are handled and not committed."""

    async def frozen() -> bool:
        child.process.send_signal(signal.SIGSTOP)
        done = sum((await committed(bootstrap, group)).values())
        if len(set(child.handled)) >= done + 10:
            return True
        child.process.send_signal(signal.SIGCONT)
        return False

    await until(frozen, LONG, "frozen amid records that are not committed")


async def test_a_partition_given_away_is_committed_up_to_the_running_record(
    kafka: Kafka,
) -> None:
    """A second member joins in the middle of a batch: each record is handled once."""
    topic, group = await filled(kafka.bootstrap, 2, 400), new_group()
    handled: list[tuple[int, int]] = []
    started = asyncio.Event()

    async def handle(message: Message) -> None:
        await asyncio.sleep(0.005)
        handled.append((message.partition, message.offset))
        if len(handled) == 50:
            started.set()

    never = {**PATIENT, "commit_records": 10_000, "commit_seconds": 10_000.0}
    async with consumer_of(kafka.bootstrap, topic, group, **never) as consumer:
        task = asyncio.create_task(consumer.run(handle, stop_on=()))
        async with asyncio.timeout(LONG):
            await started.wait()
        with child(kafka.bootstrap, topic, group, 0.005, **never) as second:

            async def all_done() -> bool:
                return len(handled) + len(second.handled) >= 800

            await until(all_done, LONG, "at all records")
            assert await second.ended(signal.SIGTERM) == 0, second.log
            taken = second.handled
        consumer.stop()
        await task
    assert taken, "the second member got no partition"
    assert sorted(handled + taken) == every(2, 400)
    await committed_is(kafka.bootstrap, group, topic, {0: 400, 1: 400})


async def test_a_zombie_commits_nothing_and_joins_again(kafka: Kafka) -> None:
    """Frozen for longer than its session while another takes over and goes further."""
    topic, group = await filled(kafka.bootstrap, 1, 600), new_group()
    never = {**QUICK, "commit_records": 10_000, "commit_seconds": 10_000.0}
    with child(kafka.bootstrap, topic, group, 0.005, **never) as zombie:
        await zombie.has_handled(30)
        zombie.process.send_signal(signal.SIGSTOP)
        with child(kafka.bootstrap, topic, group, **never) as heir:
            await heir.has_handled(600)
            assert heir.handled[0] == (0, 0)
            assert await heir.ended(signal.SIGTERM) == 0, heir.log
        assert await committed(kafka.bootstrap, group) == {(topic, 0): 600}
        zombie.process.send_signal(signal.SIGCONT)

        async def back() -> bool:
            return "membership was lost" in zombie.log

        await until(back, LONG, "told that it lost the partition")
        assert await zombie.ended(signal.SIGTERM) == 0, zombie.log
        assert len(zombie.handled) < 600, "it was never frozen in the middle"
    assert await committed(kafka.bootstrap, group) == {(topic, 0): 600}
