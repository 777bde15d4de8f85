"""`streamjoin groups skip-gap`, and `reset-offsets --to state`: new offsets, the state kept."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from app.cli.options import (
    NOTHING_CHANGED,
    AppIdFlag,
    BrokerFlag,
    DryRunFlag,
    YesFlag,
    actual_name,
    ask,
    show_table,
)
from app.cli.quiet import quiet_client
from app.cli.work import run_work
from app.errors import SettingError
from app.settings import Settings, load_settings

if TYPE_CHECKING:
    from app.groups.moves import Decide, Group, Standing

_Begin = dict[str, Literal["earliest", "latest"]]
_HEAD = ("topic", "partition", "committed", "new offset", "gone")


def skip_gap(
    begin: Annotated[
        list[str] | None,
        typer.Option(
            "--from",
            metavar="TOPIC=earliest|latest",
            help="Where all partitions of a topic go on that was made anew (earliest), or whose "
            "last records its brokers have lost (latest); repeatable.",
        ),
    ] = None,
    broker: BrokerFlag = None,
    app_id: AppIdFlag = None,
    dry_run: DryRunFlag = False,
    yes: YesFlag = False,
) -> None:
    """Go on behind records that were deleted before they were read; the state is kept.

    Where retention or somebody has deleted records that a partition was to read next, it stands
    still until this is run; so it does where an input was made anew, or has lost its last records.
    The group's offsets and those in the state are moved to the first record that there is, in one
    transaction a partition. Workers may run: they go on by themselves. What is gone is counted in
    no table and no output.
    """
    settings = load_settings(broker=broker, app_id=app_id)
    begins = _begins(settings, begin or [])
    with quiet_client():
        run_work(_skip_gap(settings, begins, dry_run=dry_run, yes=yes))


def _begins(settings: Settings, given: Sequence[str]) -> _Begin:
    from models.topics import Direction

    known = settings.catalogue().names(Direction.INPUT, Direction.INTERNAL)
    found: _Begin = {}
    for text in given:
        name, _, where = text.partition("=")
        topic = actual_name(name, settings)
        if where not in ("earliest", "latest"):
            raise SettingError(f"--from {text}: write TOPIC=earliest or TOPIC=latest")
        if topic not in known:
            raise SettingError(f"--from {text}: no topic that the service reads")
        found[topic] = "earliest" if where == "earliest" else "latest"
    return found


async def _skip_gap(settings: Settings, begin: _Begin, *, dry_run: bool, yes: bool) -> None:
    from app.groups.moves import skip_gap

    group = await _the_group(settings)
    decide = skip_gap(group, begin)
    wanted = _wanted(await group.look(), decide)
    if not wanted:
        typer.echo("nothing is gone of what is to be read next: all offsets stay")
        return
    _show(wanted)
    gone = sum(gap.gone for standing, _ in wanted for gap in standing.gaps())
    question = f"Go on without {gone:,} offsets that are gone?" if gone else "Go on from there?"
    if await _move(group, wanted, decide, question, dry_run=dry_run, yes=yes):
        typer.echo("the offsets are moved, the state is kept; workers that run go on by themselves")


async def set_to_state(settings: Settings, *, dry_run: bool, yes: bool) -> None:
    """Set the group's offsets to those that the state holds. Raises UserError."""
    from app.groups.moves import to_state
    from app.groups.plan import refuse_members

    group = await _the_group(settings)
    decide = to_state(group)
    wanted = _wanted(await group.look(), decide)
    if not wanted:
        typer.echo("the group's offsets are those of the state already")
        return
    _show(wanted)
    await refuse_members(settings)
    question = f"Set the offsets of group {settings.app_id} to those of the state?"
    if await _move(group, wanted, decide, question, dry_run=dry_run, yes=yes):
        typer.echo("the offsets are set, the state is kept; start the workers again")


async def _the_group(settings: Settings) -> "Group":
    from app.factory import changelog_topic  # Faust takes half a second to import.
    from app.groups.moves import the_group

    return await the_group(settings, changelog_topic(settings))


def _wanted(
    standings: "Sequence[Standing]", decide: "Decide"
) -> "list[tuple[Standing, Mapping[str, int]]]":
    decided = [(standing, decide(standing)) for standing in standings]
    return [(standing, offsets) for standing, offsets in decided if offsets is not None]


def _show(wanted: "Sequence[tuple[Standing, Mapping[str, int]]]") -> None:
    rows = []
    for standing, offsets in wanted:
        gone = {gap.topic: gap.gone for gap in standing.gaps()}
        for topic, offset in sorted(offsets.items()):
            before = standing.committed.get(topic)
            if before != offset:
                rows.append((topic, standing.partition, before, offset, gone.get(topic)))
    show_table(_HEAD, sorted(rows))


async def _move(
    group: "Group",
    wanted: "Sequence[tuple[Standing, Mapping[str, int]]]",
    decide: "Decide",
    question: str,
    *,
    dry_run: bool,
    yes: bool,
) -> bool:
    """Ask, then move these partitions' offsets; whether it was done."""
    if dry_run:
        typer.echo(NOTHING_CHANGED)
        return False
    ask(question, yes=yes)
    for standing, _ in wanted:
        await group.move(standing.partition, decide)
    return True
