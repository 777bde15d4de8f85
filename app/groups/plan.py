"""What `groups reset-offsets` would change: found out without changing anything."""

import fcntl
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Literal, NamedTuple

from aiokafka import TopicPartition
from aiokafka.errors import KafkaError

from app.connections import reader
from app.errors import UserError
from app.groups.admin import committed, members
from app.settings import Settings
from app.startup import check_catalogue, state_folder
from app.topics_admin import TopicDescription
from models.topics import REVENUE_PARTIALS, Direction

Target = Literal["earliest", "latest"]
Offsets = Mapping[TopicPartition, int]


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
    """
    catalogue = settings.catalogue()
    inputs = places(catalogue.names(Direction.INPUT), partitions)
    found = await ends(settings, inputs + places(catalogue.names(Direction.INTERNAL), partitions))
    if to == "earliest":
        found |= await ends(settings, inputs, first=True)
    return found


async def ends(
    settings: Settings, tps: Sequence[TopicPartition], *, first: bool = False
) -> dict[TopicPartition, int]:
    """Ask for the last stable offsets, or the first ones. Raises UserError."""
    try:
        async with reader(settings) as consumer:
            ask = consumer.beginning_offsets if first else consumer.end_offsets
            found: dict[TopicPartition, int] = await ask(tps)
    except (KafkaError, OSError) as error:
        raise UserError(f"the broker does not tell where topics begin and end: {error!r}") from None
    return found


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
    settings = plan.settings
    found = await members(settings.cluster, settings.app_id)
    if found:
        hosts = ", ".join(sorted(f"{member.client_id} at {member.host}" for member in found))
        raise UserError(
            f"group {settings.app_id} is live, its members are {hosts}: stop all workers first "
            f"(one that was killed leaves after {settings.session_timeout / 1000:g} seconds)"
        )
    _refuse_open(plan.folder)


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
