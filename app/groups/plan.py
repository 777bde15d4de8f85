"""What `groups reset-offsets` would change: found out without changing anything."""

import fcntl
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from types import MappingProxyType
from typing import Literal, NamedTuple

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from app.connections import reader
from app.errors import SettingError, UserError
from app.groups.admin import committed, members
from app.settings import Settings
from app.startup import check_catalogue, state_folder
from app.topics_admin import TopicDescription
from models.times import iso
from models.topics import REVENUE_PARTIALS, Direction

Offsets = Mapping[TopicPartition, int]


class Target(NamedTuple):
    """Where partitions of the inputs are to begin.

    `start`: at their first record, behind their last one, or at the first record that was written
    at this time or later (Kafka's timestamp, ms). `offsets`: those of these partitions instead.
    """

    start: Literal["earliest", "latest"] | int
    offsets: Offsets = MappingProxyType({})

    def __str__(self) -> str:
        """Say it in a word or two."""
        start = iso(self.start) if isinstance(self.start, int) else self.start
        return f"{start}, and {len(self.offsets)} given offsets" if self.offsets else start


class Plan(NamedTuple):
    """All that a reset needs to know.

    `topics`: the catalogue's, and the changelog if there is one; `partitions`: of each topic;
    `before`, `after`: the group's offsets of every source partition, now and then.
    """

    settings: Settings
    to: Target
    topics: Mapping[str, TopicDescription]
    partitions: int
    changelog: str
    before: Offsets
    after: Offsets
    folder: Path

    @property
    def changelog_partitions(self) -> int:
        """How many the changelog has, 0 if it does not exist."""
        found = self.topics.get(self.changelog)
        return found.partitions if found else 0

    @property
    def partials(self) -> str:
        """Name of the internal topic of partial sums."""
        return self.settings.catalogue().name(REVENUE_PARTIALS)


async def make_plan(settings: Settings, changelog: str, to: Target) -> Plan:
    """Find out what there is. Raises UserError: no broker, topics missing."""
    topics, partitions = await check_catalogue(settings, changelog)
    return Plan(
        settings,
        to,
        topics,
        partitions,
        changelog,
        await committed(settings.cluster, settings.app_id),
        await targets(settings, partitions, to),
        state_folder(settings),
    )


async def targets(settings: Settings, partitions: int, to: Target) -> dict[TopicPartition, int]:
    """Give the offsets to commit, for every source partition.

    Partial sums are always begun behind the last one: they are made again from the inputs.
    Raises SettingError for an offset that is not there.
    """
    catalogue = settings.catalogue()
    inputs = places(catalogue.names(Direction.INPUT), partitions)
    found = await ends(settings, inputs + places(catalogue.names(Direction.INTERNAL), partitions))
    last = {tp: found[tp] for tp in inputs}
    first = await ends(settings, inputs, first=True)
    if to.start == "earliest":
        found |= first
    elif to.start != "latest":
        found |= await _written_since(settings, last, to.start)
    for tp, offset in to.offsets.items():
        if tp not in last:
            raise SettingError(f"--to-offset {tp.topic}:{tp.partition}: no partition of an input")
        if not first[tp] <= offset <= last[tp]:
            raise SettingError(
                f"--to-offset {tp.topic}:{tp.partition}={offset}: must be "
                f"{first[tp]} to {last[tp]}, which is what lies there"
            )
    return found | dict(to.offsets)


async def _written_since(settings: Settings, last: Offsets, time: int) -> Offsets:
    """Give the first offset written at this time or later, behind the last one where none was."""
    async with _asking(settings) as consumer:
        found = await consumer.offsets_for_times(dict.fromkeys(last, time))
    return {tp: found[tp].offset if found.get(tp) else end for tp, end in last.items()}


async def ends(
    settings: Settings, tps: Sequence[TopicPartition], *, first: bool = False
) -> dict[TopicPartition, int]:
    """Ask for the last stable offsets, or the first ones. Raises UserError."""
    async with _asking(settings) as consumer:
        ask = consumer.beginning_offsets if first else consumer.end_offsets
        found: dict[TopicPartition, int] = await ask(tps)
    return found


@asynccontextmanager
async def _asking(settings: Settings) -> AsyncIterator[AIOKafkaConsumer]:
    try:
        async with reader(settings) as consumer:
            yield consumer
    except (KafkaError, OSError) as error:
        raise UserError(f"the broker does not tell where topics begin and end: {error!r}") from None


def table(plan: Plan) -> Iterator[str]:
    """Give the plan as lines for people."""
    names = plan.settings.catalogue().names(Direction.INPUT, Direction.INTERNAL)
    width = max(len(name) for name in names)
    yield f"{'topic':{width}}  partition     committed ->    new offset"
    for tp in places(names, plan.partitions):
        before = plan.before.get(tp)
        then = f"{plan.after[tp]:,}"
        now = "-" if before is None else f"{before:,}"
        yield f"{tp.topic:{width}}  {tp.partition:9}  {now:>12} -> {then:>13}"
    what = "deleted and created anew, empty" if plan.changelog_partitions else "created, empty"
    yield f"changelog {plan.changelog}: {what}"
    yield f"internal topic {plan.partials}: emptied"
    yield f"local state {plan.folder}: {'removed' if plan.folder.exists() else 'there is none'}"


def places(names: Sequence[str], partitions: int) -> list[TopicPartition]:
    """Give all partitions of topics."""
    return [TopicPartition(name, number) for name in names for number in range(partitions)]


async def refuse_in_use(plan: Plan) -> None:
    """Raise UserError while a worker is in the group, or has the local state open."""
    await refuse_members(plan.settings)
    _refuse_open(plan.folder)


async def refuse_members(settings: Settings) -> None:
    """Raise UserError while a worker is in the group."""
    found = await members(settings.cluster, settings.app_id)
    if found:
        hosts = ", ".join(sorted(f"{member.client_id} at {member.host}" for member in found))
        raise UserError(
            f"group {settings.app_id} is live, its members are {hosts}: stop all workers first "
            f"(one that was killed leaves after {settings.session_timeout / 1000:g} seconds)"
        )


def _refuse_open(folder: Path) -> None:
    """Raise UserError if a process has a store in this folder open: RocksDB locks its file LOCK."""
    for path in sorted(folder.glob("*/LOCK")):
        try:
            with path.open("r+b") as file:
                fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise UserError(
                f"the local state in {path.parent} is in use or cannot be written "
                f"({error.strerror}): stop all workers first"
            ) from error
