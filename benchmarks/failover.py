"""Measures a failover: from `kill -9` of one of two workers to the first commits of the other.

The worker that takes over has no copy of the state of 100 MB and reads it from the changelog.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import shutil
import signal
import sys
import time
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace

import aiohttp
import msgspec
from aiokafka import AIOKafkaProducer

from app.broker.ports import free_port
from benchmarks.filled import CLICKS, Filled, fill
from benchmarks.filled_views import MOVING, ask_known
from benchmarks.measure import Worker
from benchmarks.recovery import own_deployment
from benchmarks.worker import Deployment
from tests.support.topics import committed, until

PARTITIONS, MEGABYTES, ROUNDS = 4, 100, 5
SESSION_S = 10
_READY_S, _LOOK_S, _PAUSE_S = 300.0, 0.05, 0.02


class Failover(msgspec.Struct):
    """The state; seconds from each kill until all partitions of the dead have committed again."""

    state: Filled
    seconds: list[float]


async def run_failover(
    deployment: Deployment, megabytes: int, clicks: int, rounds: int
) -> Failover:
    """Kill a worker so many times. Raises RunFailedError when one answers wrongly afterwards."""
    await deployment.create_topics(PARTITIONS)
    members = [
        deployment,
        replace(deployment, web_port=free_port(), folder=deployment.folder / "2"),
    ]
    state = await fill(deployment, PARTITIONS, megabytes, clicks)
    async with aiohttp.ClientSession() as session:
        seconds = [await one_round(members, state, session) for _ in range(rounds)]
    return Failover(state, seconds)


async def one_round(
    members: list[Deployment], state: Filled, session: aiohttp.ClientSession
) -> float:
    """Start both without a folder, kill the first while clicks flow; the seconds."""
    for member in members:
        shutil.rmtree(member.folder / member.app_id, ignore_errors=True)
        (member.folder / member.app_id).mkdir(parents=True)
    workers = [member.start() for member in members]
    try:
        for member, worker in zip(members, workers, strict=True):
            await shares(member, worker, session)
        async with clicking(members[0]):
            lost = await assigned(members[0], session)
            await moved_on(members[0], lost, await places(members[0]))
            os.kill(workers[0].pid, signal.SIGKILL)
            killed = time.monotonic()
            await moved_on(members[0], lost, await places(members[0]))
            seconds = time.monotonic() - killed
        await ask_known(state, members[1], session, without=MOVING)
        return seconds
    finally:
        for worker in workers:
            await worker.stop()


async def shares(member: Deployment, worker: Worker, session: aiohttp.ClientSession) -> None:
    """Wait until it is ready and has its half of the partitions."""

    async def shared() -> bool:
        if not await member.ready(session):
            return False
        return len(await assigned(member, session)) == PARTITIONS // 2

    await worker.until(shared, _READY_S)


async def assigned(member: Deployment, session: aiohttp.ClientSession) -> list[int]:
    """Return the partitions that a worker says it has."""
    async with session.get(f"{member.url}/readyz") as answer:
        found = await answer.json(content_type=None)
        return list(found.get("assigned") or [])


async def places(member: Deployment) -> Mapping[int, int]:
    """Return the group's committed offsets of clicks, by partition."""
    found = await committed(member.broker, member.app_id)
    clicks = member.inputs["clicks"]
    return {number: offset for (topic, number), offset in found.items() if topic == clicks}


async def moved_on(member: Deployment, partitions: list[int], before: Mapping[int, int]) -> None:
    """Wait until each of the partitions has committed more clicks than before."""

    async def moved() -> bool:
        now = await places(member)
        return all(now.get(number, 0) > before.get(number, 0) for number in partitions)

    await until(moved, _READY_S, "commits", _LOOK_S)


@contextlib.asynccontextmanager
async def clicking(member: Deployment) -> AsyncIterator[None]:
    """Send clicks of 16 users meanwhile, each 50 a second."""
    clicks = member.inputs["clicks"]
    async with AIOKafkaProducer(bootstrap_servers=member.broker) as producer:

        async def send() -> None:
            while True:
                stamp = int(time.time() * 1000)
                for number in range(4 * PARTITIONS):
                    user = b"u%d" % number
                    value = b'{"user_id":"%s","page":"/","timestamp":%d}' % (user, stamp)
                    await producer.send(clicks, value, user, timestamp_ms=stamp)
                await asyncio.sleep(_PAUSE_S)

        task = asyncio.create_task(send())
        try:
            yield
        finally:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task


def main() -> int:
    """Run with a broker of its own and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.failover", description=__doc__)
    parser.add_argument("--megabytes", type=int, default=MEGABYTES, help="of state")
    parser.add_argument("--clicks", type=int, default=CLICKS, help="of each user")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    given = parser.parse_args()
    with own_deployment("failover", session_timeout=f"{SESSION_S}s") as deployment:
        found = asyncio.run(run_failover(deployment, given.megabytes, given.clicks, given.rounds))
    state = found.state
    shown = ", ".join(f"{seconds:.1f}" for seconds in found.seconds)
    print(
        f"State of {state.megabytes:.0f} MB in {state.rows:,} rows of {state.users:,} users, "
        f"session timeout {SESSION_S} s, {given.rounds} kills: from kill -9 until the new owner "
        f"has committed in every partition {shown} s."
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
