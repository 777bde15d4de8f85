"""`python -m benchmarks.query_load BROKER RATE CLICKS PURCHASES USER_EVENTS`: events until SIGTERM.

A process of its own, so that sending does not delay the questions whose answers are timed. Of ten
events six are clicks, one is a purchase, three are user events; all happen now.
"""

from __future__ import annotations

import asyncio
import signal
import sys
import time
from collections.abc import Iterator
from typing import Any

from aiokafka import AIOKafkaProducer

from benchmarks.generate import partition_of
from benchmarks.latency import PARTITIONS
from benchmarks.measure import Worker
from benchmarks.worker import Deployment
from models.topics import CLICKS, PURCHASES, USER_EVENTS

TICK_S = 0.05
# Prime: with a divisor in common with the cycle of ten kinds a user would be of one kind for ever,
# and buy without a click before it.
USERS = 1_999
_CLICK, _PURCHASE = '"page":"/load"', '"product_id":"p","amount":12.5'
_EVENT = '"action":"view","value":1.5'


def user(number: int) -> str:
    """Return the name of a user of the load."""
    return f"loader-{number % USERS}"


def at(number: int) -> int:
    """Return whose the event is that is sent as the n-th: a place in `places`."""
    return number * 7 % USERS


def places() -> list[tuple[bytes, int]]:
    """Return every user's key and partition."""
    keys = [user(number).encode() for number in range(USERS)]
    return [(key, partition_of(key, PARTITIONS)) for key in keys]


def start_load(deployment: Deployment, rate: int) -> Worker:
    """Start this program on a deployment's topics."""
    names = [deployment.name(topic) for topic in (CLICKS, PURCHASES, USER_EVENTS)]
    argv = [sys.executable, "-m", "benchmarks.query_load", deployment.broker, str(rate)]
    return Worker([*argv, *names], {}, deployment.folder / "query-load.log")


async def send(broker: str, rate: int, topics: tuple[str, str, str]) -> None:
    """Send `rate` events a second until the task is cancelled."""
    of_kind = kinds(topics)
    users = places()
    async with AIOKafkaProducer(bootstrap_servers=broker, acks="all") as producer:
        began, sent = time.monotonic(), 0
        while True:
            due = int((time.monotonic() - began) * rate)
            stamp = f'"timestamp":{time.time():.3f}}}'
            batches: dict[tuple[str, int], Any] = {}
            for number in range(sent, due):
                topic, fields = next(of_kind)
                key, partition = users[at(number)]
                batch = batches.setdefault((topic, partition), producer.create_batch())
                value = f'{{"user_id":"{key.decode()}",{fields},{stamp}'
                batch.append(key=key, value=value.encode(), timestamp=None)
            sent = due
            for (topic, partition), batch in batches.items():
                await producer.send_batch(batch, topic, partition=partition)
            await asyncio.sleep(TICK_S)


def kinds(topics: tuple[str, str, str]) -> Iterator[tuple[str, str]]:
    """Give the topic and the fields of each event in turn."""
    clicks, purchases, events = topics
    click, bought, event = (clicks, _CLICK), (purchases, _PURCHASE), (events, _EVENT)
    while True:
        yield from (click, event, click, click, event, bought, click, event, click, click)


async def main() -> None:
    """Send until SIGTERM."""
    broker, rate, clicks, purchases, events = sys.argv[1:]
    sending = asyncio.create_task(send(broker, int(rate), (clicks, purchases, events)))
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, sending.cancel)
    await asyncio.wait([sending])
    if not sending.cancelled():
        sending.result()


if __name__ == "__main__":
    asyncio.run(main())
