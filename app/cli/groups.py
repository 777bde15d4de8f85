"""`streamjoin groups ...`: consumer groups, and all that belongs to the service's offsets."""

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from app.cli.group_moves import set_to_state, skip_gap
from app.cli.group_views import describe_group, list_groups
from app.cli.moments import moment_ms
from app.cli.options import (
    NOTHING_CHANGED,
    AppIdFlag,
    BrokerFlag,
    DryRunFlag,
    YesFlag,
    actual_name,
    ask,
)
from app.cli.quiet import quiet_client
from app.cli.work import run_work
from app.errors import SettingError
from app.settings import Settings, load_settings

if TYPE_CHECKING:
    from app.groups.plan import Target

groups_cli = typer.Typer(
    help="List and describe consumer groups; put the service's offsets right, or start over.",
    no_args_is_help=True,
)
_Offsets = Annotated[
    list[str] | None,
    typer.Option(
        metavar="TOPIC:PARTITION=OFFSET",
        help="Where it begins in this partition instead; repeatable.",
    ),
]
_PLACE = re.compile(r"([A-Za-z0-9._-]+):(\d+)=(\d+)")


@groups_cli.callback()
def groups() -> None:
    """List and describe consumer groups; put the service's offsets right, or start over."""


groups_cli.command("list")(list_groups)
groups_cli.command("describe")(describe_group)
groups_cli.command("skip-gap")(skip_gap)


@groups_cli.command("reset-offsets")
def reset_offsets(
    to: Annotated[
        str,
        typer.Option(
            metavar="state|earliest|latest|TIME",
            help="Where the next worker begins to read the inputs. state: where the state stands, "
            "which is kept. A time: at the first record that was written then or later.",
        ),
    ],
    to_offset: _Offsets = None,
    broker: BrokerFlag = None,
    app_id: AppIdFlag = None,
    data_dir: Annotated[
        Path | None, typer.Option(help="Folder of this machine's worker, whose state goes too.")
    ] = None,
    dry_run: DryRunFlag = False,
    yes: YesFlag = False,
) -> None:
    """Start over: offsets, changelog, partial sums and local state, reset together.

    Stop all workers first. To `state`, only the group's offsets are set, to those that the state
    holds, where they have expired or were moved: nothing is computed again. From `earliest`, all is
    computed again and written to the outputs a second time; `latest` leaves out what is there now;
    else what came since is computed again. Broken off half-way, run it again.
    """
    settings = load_settings(broker=broker, app_id=app_id, data_dir=data_dir)
    if to == "state":
        if to_offset:
            raise SettingError("--to state takes no --to-offset: the state has the offsets")
        work = set_to_state(settings, dry_run=dry_run, yes=yes)
    else:
        target = _target(settings, to, to_offset or [])
        work = _reset(settings, target, dry_run=dry_run, yes=yes)
    with quiet_client():
        run_work(work)


def _target(settings: Settings, to: str, to_offset: list[str]) -> "Target":
    from aiokafka import TopicPartition

    from app.groups.plan import Target

    start = to if to in ("earliest", "latest") else moment_ms("--to", to)
    offsets = {}
    for text in to_offset:
        found = _PLACE.fullmatch(text)
        if not found:
            raise SettingError(f"--to-offset {text}: write TOPIC:PARTITION=OFFSET, clicks:0=17")
        topic, partition, offset = found.groups()
        offsets[TopicPartition(actual_name(topic, settings), int(partition))] = int(offset)
    return Target(start, offsets)  # type: ignore[arg-type]


async def _reset(settings: Settings, to: "Target", *, dry_run: bool, yes: bool) -> None:
    from app.factory import changelog_topic  # Faust takes half a second to import.
    from app.groups.plan import Target, make_plan, refuse_in_use, table
    from app.groups.reset import reset

    plan = await make_plan(settings, changelog_topic(settings), to)
    for line in table(plan):
        typer.echo(line)
    await refuse_in_use(plan)
    if dry_run:
        typer.echo(NOTHING_CHANGED)
        return
    ask(f"Reset group {plan.settings.app_id} to {plan.to}?", yes=yes)
    await reset(plan, typer.echo)
    typer.echo(f"group {settings.app_id} is reset; start the workers again")
    if to.start != "latest" or to.offsets:
        what = "everything" if to == Target("earliest") else "what comes from there on"
        typer.echo(f"they compute {what} again, and write it to the output topics once more")
