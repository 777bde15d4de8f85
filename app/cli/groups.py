"""`streamjoin groups ...`: the service's consumer group, and all that belongs to its offsets."""

import asyncio
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from app.cli.quiet import quiet_client
from app.errors import SettingError
from app.settings import Settings, load_settings

if TYPE_CHECKING:
    from app.groups.plan import Plan

groups_cli = typer.Typer(help="Start over with the service's consumer group.", no_args_is_help=True)


@groups_cli.callback()
def groups() -> None:
    """Start over with the service's consumer group."""


@groups_cli.command("reset-offsets")
def reset_offsets(
    to: Annotated[
        Literal["earliest", "latest"],
        typer.Option(help="Where the next worker begins to read the inputs."),
    ],
    broker: Annotated[str | None, typer.Option(help="HOST:PORT of Kafka.")] = None,
    app_id: Annotated[str | None, typer.Option(help="The group, stream-joins by default.")] = None,
    data_dir: Annotated[
        Path | None, typer.Option(help="Folder of this machine's worker, whose state goes too.")
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what would change, and change nothing.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> None:
    """Start over: offsets, changelog, partial sums and local state, reset together.

    For a change of window sizes or of the state's layout, and after topics or offsets were deleted.
    Stop all workers first. From `earliest`, everything is computed again from the inputs and
    written to the output topics a second time; from `latest`, what is there now is left out. What
    lies in inputs and outputs stays. Topic names come from the settings, as the worker's do. Broken
    off half-way, run it again: until then, workers refuse to start.
    """
    settings = load_settings(broker=broker, app_id=app_id, data_dir=data_dir)
    with quiet_client():
        asyncio.run(_reset(settings, to, dry_run=dry_run, yes=yes))


async def _reset(
    settings: Settings, to: Literal["earliest", "latest"], *, dry_run: bool, yes: bool
) -> None:
    from app.factory import changelog_topic  # Faust takes half a second to import.
    from app.groups.plan import make_plan, refuse_in_use, table
    from app.groups.reset import reset

    plan = await make_plan(settings, changelog_topic(settings), to)
    for line in table(plan):
        typer.echo(line)
    await refuse_in_use(plan)
    if dry_run:
        typer.echo("nothing has been changed (--dry-run)")
        return
    if not yes:
        _ask(plan)
    await reset(plan, typer.echo)
    typer.echo(f"group {settings.app_id} is reset; start the workers again")
    if to == "earliest":
        typer.echo("they compute everything again, and write it to the output topics once more")


def _ask(plan: "Plan") -> None:
    """Raise typer.Abort on a no, SettingError where nobody can be asked."""
    if not sys.stdin.isatty():
        raise SettingError("no terminal to ask on: give --yes to reset, or --dry-run to look")
    typer.confirm(f"Reset group {plan.settings.app_id} to {plan.to}?", abort=True)
