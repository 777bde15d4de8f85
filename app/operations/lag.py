"""How far a group is behind its topics: in records, and in seconds."""

import asyncio
import contextlib
import time
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from app.connections import reader
from app.errors import UserError
from app.gaps import Gap, gaps_of
from app.groups.admin import GroupState, committed, group_states
from app.groups.plan import ends, places
from app.operations.topics import topic_states
from app.settings import Settings
from models.topics import Direction

_AGE_SECONDS: Final = 3.0
"""For reading the oldest record that waits, of all partitions together."""
_SMALL_FETCH: Final = 1024


class PartitionLag(NamedTuple):
    """A partition of a topic that a group reads.

    `committed`: the next offset, None where nothing is committed; `end`: the last stable offset;
    `lag`: offsets between them, from the first record on where nothing is committed, ends of
    transactions counted; `seconds`: since the oldest record that waits was written, by Kafka's
    timestamp and this machine's clock, None where none waits or it cannot be read in time;
    `owner`: client id and host of the member that has it; `gone`: offsets between `committed` and
    the first record that there is, deleted before they were read.
    """

    topic: str
    partition: int
    committed: int | None
    end: int
    lag: int
    seconds: float | None
    owner: str | None
    gone: int


class GroupLag(NamedTuple):
    """A group's state, and the lag of every partition that it reads or has read.

    `left_out`: topics that the service's group has offsets of and that the settings do not name;
    `gaps`: what is gone of what the service is to read next.
    """

    group: GroupState
    partitions: Sequence[PartitionLag]
    left_out: Sequence[str]
    gaps: Sequence[Gap]

    @property
    def lag(self) -> int:
        """Records, over all partitions."""
        return sum(found.lag for found in self.partitions)


async def group_lag(settings: Settings, name: str) -> GroupLag:
    """Ask for a group's lag. Raises UserError: no such group, no broker."""
    [state] = await group_states(settings.cluster, [name])
    offsets = await committed(settings.cluster, name)
    if name != settings.app_id and state.state == "Dead" and not offsets:
        raise UserError(
            f"group {name} does not exist at {settings.cluster}; see streamjoin groups list"
        )
    wanted, left_out = await _places(settings, name, offsets)
    end, first = await ends(settings, wanted), await ends(settings, wanted, first=True)
    starts = {tp: max(offsets.get(tp, 0), first[tp]) for tp in wanted}
    behind = {tp: start for tp, start in starts.items() if start < end[tp]}
    ages = await _ages(settings, behind)
    owners = {
        tp: f"{member.client_id} at {member.host}" for member in state.members
        for tp in member.places
    }  # fmt: skip
    rows = [
        PartitionLag(
            tp.topic,
            tp.partition,
            offsets.get(tp),
            end[tp],
            max(0, end[tp] - starts[tp]),
            ages.get(tp),
            owners.get(tp),
            max(0, first[tp] - offsets.get(tp, first[tp])),
        )
        for tp in wanted
    ]
    ours = offsets if name == settings.app_id else {}
    return GroupLag(state, rows, left_out, list(gaps_of(ours, first, end)))


async def _places(
    settings: Settings, name: str, offsets: Mapping[TopicPartition, int]
) -> tuple[list[TopicPartition], list[str]]:
    """Give the partitions to look at, and the topics of offsets that are left out.

    Of the service's group: all that it reads. Of another one: what it has committed. Raises
    UserError where a topic that it reads is missing.
    """
    there = await topic_states(settings.cluster, {})
    if name != settings.app_id:
        return [tp for tp in sorted(offsets) if tp.topic in there], []
    ours = settings.catalogue().names(Direction.INPUT, Direction.INTERNAL)
    missing = [topic for topic in ours if topic not in there]
    if missing:
        raise UserError(
            f"topics are missing on {settings.cluster}: {', '.join(missing)}; "
            "see streamjoin topics create"
        )
    mine = [tp for topic in ours for tp in places([topic], len(there[topic].partitions))]
    return mine, sorted({tp.topic for tp in offsets} - set(ours))


async def _ages(
    settings: Settings, behind: Mapping[TopicPartition, int]
) -> dict[TopicPartition, float]:
    """Give the age in seconds of the record at each of these offsets, or the next one behind it."""
    found: dict[TopicPartition, float] = {}
    if not behind:
        return found
    with contextlib.suppress(TimeoutError, KafkaError):
        async with asyncio.timeout(_AGE_SECONDS), reader(settings, _SMALL_FETCH) as consumer:
            consumer.assign(list(behind))
            for tp, offset in behind.items():
                consumer.seek(tp, offset)
            while len(found) < len(behind):
                await _look(consumer, found)
    return found


async def _look(consumer: AIOKafkaConsumer, found: dict[TopicPartition, float]) -> None:
    """Note the ages of what has come; a partition of which one record is known is left alone."""
    left = [tp for tp in consumer.assignment() if tp not in found]
    for tp, records in (await consumer.getmany(*left, timeout_ms=200)).items():
        if records:
            found[tp] = max(0.0, time.time() - records[0].timestamp / 1000)
            consumer.pause(tp)
