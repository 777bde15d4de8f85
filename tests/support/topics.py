"""Reading topics whole, and waiting, each with a bound."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient

from app.group_offsets import NOT_YET, group_offsets
from tests.oracle.records import Record

OFFSETS, OFFSETS_PARTITIONS = ["__consumer_offsets"], 4
"""The topic of the groups' offsets, as the embedded broker has it (app/broker/config.py)."""
Ends = dict[tuple[str, int], int]
"""{(topic, partition): offset}."""


@asynccontextmanager
async def reader(
    bootstrap: str, isolation: str = "read_committed", group: str | None = None
) -> AsyncIterator[AIOKafkaConsumer]:
    """A consumer, by default of no group."""
    consumer = AIOKafkaConsumer(
        bootstrap_servers=bootstrap,
        group_id=group,
        isolation_level=isolation,
        enable_auto_commit=False,
        max_partition_fetch_bytes=4 << 20,
        fetch_max_wait_ms=50,
    )
    await consumer.start()
    try:
        yield consumer
    finally:
        await consumer.stop()


def places(names: Iterable[str], partitions: int) -> list[TopicPartition]:
    return [TopicPartition(name, number) for name in names for number in range(partitions)]


async def ends(
    bootstrap: str, names: Iterable[str], partitions: int, isolation: str = "read_committed"
) -> Ends:
    """Last stable offsets, or the high watermarks with `read_uncommitted`."""
    async with reader(bootstrap, isolation) as consumer:
        found = await consumer.end_offsets(places(names, partitions))
    return {(tp.topic, tp.partition): offset for tp, offset in found.items()}


async def settled(bootstrap: str, names: Iterable[str], partitions: int) -> bool:
    """Whether no transaction is open in these topics: all have their markers."""
    stable = await ends(bootstrap, names, partitions)
    return stable == await ends(bootstrap, names, partitions, "read_uncommitted")


async def committed(bootstrap: str, group: str) -> Ends:
    """The group's committed offsets; none while the broker makes or reads what holds them."""
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        found = await group_offsets(admin, group)
    except NOT_YET:
        return {}
    finally:
        await admin.close()
    return {(tp.topic, tp.partition): offset for tp, offset in found.items()}


async def read_all(bootstrap: str, names: Iterable[str], partitions: int) -> list[Record]:
    """All committed records, up to the last stable offsets of now, by topic and partition."""
    found: list[Record] = []
    async with reader(bootstrap) as consumer:
        wanted = places(names, partitions)
        last = await consumer.end_offsets(wanted)
        consumer.assign(wanted)
        await consumer.seek_to_beginning(*wanted)
        left = {tp for tp in wanted if last[tp] > 0}
        async with asyncio.timeout(240):
            while left:
                for got in (await consumer.getmany(*left, timeout_ms=200)).values():
                    found += [Record.of(record) for record in got]
                left = {tp for tp in left if await consumer.position(tp) < last[tp]}
    return sorted(found, key=lambda r: (r.topic, r.partition, r.offset))


async def until(
    check: Callable[[], Awaitable[bool]], seconds: float, what: str, pause: float = 0.1
) -> None:
    """Wait until `check` holds; fail after `seconds`."""
    end = time.monotonic() + seconds
    while not await check():
        assert time.monotonic() < end, f"after {seconds} s still not {what}"
        await asyncio.sleep(pause)
