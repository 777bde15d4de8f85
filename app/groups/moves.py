"""New offsets with the state kept: the group's and those in the metadata row, in one transaction.

A partition's transactional id is initialised first: that fences its owner, if it has one, which
goes through its acquisition then and finds what is written here. What is to be done is decided
after that, from offsets and state that nobody else can change any more. A kill at any moment leaves
all of a partition's offsets moved or none; run again, it does the rest.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Literal, NamedTuple

from aiokafka import TopicPartition
from msgspec.structs import replace

from app.connections import transaction_writer
from app.engine.errors import LostError
from app.engine.metadata import KEY, Metadata, other_topics
from app.errors import UserError
from app.gaps import Gap
from app.groups.admin import committed
from app.groups.plan import Offsets, ends
from app.groups.stored import stored_rows, unusable
from app.settings import Settings
from app.startup import check_catalogue
from models.topics import Direction

Begin = Mapping[str, Literal["earliest", "latest"]]


class Standing(NamedTuple):
    """Where a partition is: what the group has committed, its metadata row, what topics hold.

    All by topic, of those that are read; `end`: the last stable offsets.
    """

    partition: int
    committed: Mapping[str, int]
    row: Metadata | None
    first: Mapping[str, int]
    end: Mapping[str, int]

    def gaps(self) -> list[Gap]:
        """Give what the topics lack of what is to be read next."""
        found = [
            Gap(topic, self.partition, at, self.first[topic], self.end[topic])
            for topic, at in sorted(self.committed.items())
        ]
        return [gap for gap in found if gap.before or gap.at > gap.end]


Decide = Callable[[Standing], Mapping[str, int] | None]
"""Gives a partition's new offsets by topic, None where they are to stay. Raises UserError."""


class Group(NamedTuple):
    """A service's group and its state."""

    settings: Settings
    changelog: str
    partitions: int

    @property
    def sources(self) -> Sequence[str]:
        """Names of the topics that are read."""
        return self.settings.catalogue().names(Direction.INPUT, Direction.INTERNAL)

    async def look(self, numbers: Sequence[int] | None = None) -> list[Standing]:
        """See where partitions are, all by default. Raises UserError."""
        looked = range(self.partitions) if numbers is None else numbers
        wanted = [TopicPartition(topic, number) for topic in self.sources for number in looked]
        found = await committed(self.settings.cluster, self.settings.app_id)
        offsets = {tp: found[tp] for tp in wanted if tp in found}
        rows = await stored_rows(self.settings, self.changelog, looked)
        first = await ends(self.settings, wanted, first=True)
        end = await ends(self.settings, wanted)
        return [Standing(n, _of(offsets, n), rows[n], _of(first, n), _of(end, n)) for n in looked]

    async def move(self, number: int, decide: Decide) -> bool:
        """Move one partition's offsets; whether there was still something to move.

        Raises UserError.
        """
        place = TopicPartition(self.changelog, number)
        writer = transaction_writer(self.settings, place, self.partitions)
        try:
            await writer.open()
            [now] = await self.look([number])
            wanted = decide(now)
            if wanted is None or now.row is None:
                return False
            row = replace(now.row, offsets=dict(wanted))
            places = {TopicPartition(topic, number): offset for topic, offset in wanted.items()}
            await writer.commit([(KEY, row.encode())], [], places)
        except LostError as error:
            raise UserError(
                f"partition {number} was taken by a worker meanwhile, or the broker does not "
                f"answer ({error}): run this again"
            ) from error
        finally:
            await writer.close()
        return True


def _of(offsets: Offsets, number: int) -> dict[str, int]:
    return {tp.topic: offset for tp, offset in offsets.items() if tp.partition == number}


async def the_group(settings: Settings, changelog: str) -> Group:
    """Find a service's topics. Raises UserError: no broker, topics missing, no state."""
    topics, partitions = await check_catalogue(settings, changelog)
    if changelog not in topics:
        raise UserError(
            f"there is no state: topic {changelog} does not exist; start over with "
            "`streamjoin groups reset-offsets --to earliest`"
        )
    if topics[changelog].partitions != partitions:
        raise UserError(
            f"topic {changelog} has {topics[changelog].partitions} partitions, the others have "
            f"{partitions}: give them the same number"
        )
    return Group(settings, changelog, partitions)


def to_state(group: Group) -> Decide:
    """Have the group's offsets be those that the state holds."""

    def decide(now: Standing) -> Mapping[str, int] | None:
        row = _usable(group, now)
        return None if row is None or row.offsets == now.committed else row.offsets

    return decide


def skip_gap(group: Group, begin: Begin) -> Decide:
    """Go on behind what is gone; in the topics of `begin` at their first record, or the last one.

    Where a topic ends before what is to be read next, or its offsets were deleted with it, `begin`
    must say which. A partition that has what is to be read next is left alone.
    """
    exact = group.settings.processing_guarantee == "exactly_once"

    def decide(now: Standing) -> Mapping[str, int] | None:
        row = _usable(group, now)
        if row is None:
            return None
        apart = {t for t, at in row.offsets.items() if now.committed.get(t) != at} - begin.keys()
        if exact and apart:
            raise UserError(
                f"partition {now.partition}: the group's offsets are not those of the state; run "
                "`streamjoin groups reset-offsets --to state` first"
            )
        moved = {topic: _begin(now, topic, begin) for topic in begin.keys() - now.committed.keys()}
        moved |= {gap.topic: _behind(now, gap, begin) for gap in now.gaps()}
        return {**row.offsets, **now.committed, **moved} if moved else None

    return decide


def _behind(now: Standing, gap: Gap, begin: Begin) -> int:
    if not gap.before and gap.topic not in begin:
        raise UserError(
            f"{gap.what()}: with --from {gap.topic}=earliest it goes on with the first record of "
            f"a topic that was made anew, with --from {gap.topic}=latest behind the last one"
        )
    return _begin(now, gap.topic, begin)


def _begin(now: Standing, topic: str, begin: Begin) -> int:
    return (now.end if begin.get(topic) == "latest" else now.first)[topic]


def _usable(group: Group, now: Standing) -> Metadata | None:
    """Give a partition's row, None where there is neither state nor offsets. Raises UserError."""
    if now.row is None:
        if not now.committed:
            return None
        raise UserError(
            f"partition {now.partition}: there are offsets and no state in {group.changelog}; "
            "start over with `streamjoin groups reset-offsets --to earliest`"
        )
    why = unusable(now.partition, now.row) or other_topics(now.row.offsets, group.sources)
    if why is not None:
        raise UserError(why)
    return now.row
