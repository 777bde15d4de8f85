"""`streamjoin late ...`: records that came too late for a computation."""

from collections.abc import Sequence
from typing import Annotated

import typer

from app.cli.quiet import quiet_client
from app.cli.work import run_work
from app.consumer.json_lines import json_line
from app.errors import SettingError
from app.late_events import Found, LateEvent, Wanted, find_late
from app.numbers import whole
from app.settings import load_settings
from models.times import iso
from models.topics import COMPUTATIONS, LATE_EVENTS

_ROW = "{:<24}  {:<14}  {:>14}  {:<24}  {:<24}  {}"

_Limit = Annotated[
    int,
    typer.Option(
        metavar="N",
        parser=whole,
        help="How many to show: those that came last, by stream time.",
    ),
]

late_cli = typer.Typer(help="Look at records that came too late.", no_args_is_help=True)


@late_cli.callback()
def late() -> None:
    """Look at records that came too late."""


@late_cli.command("list")
def list_late(
    broker: Annotated[str | None, typer.Option(help="HOST:PORT of Kafka.")] = None,
    computation: Annotated[
        str | None, typer.Option("--for", help=f"Late for this: {', '.join(COMPUTATIONS)}.")
    ] = None,
    user: Annotated[str | None, typer.Option(help="Of this user.")] = None,
    limit: _Limit = 20,
    as_json: Annotated[
        bool, typer.Option("--json", help="Whole records, as `streamjoin export` writes them.")
    ] = False,
) -> None:
    """Show late events: when they happened, for what they were late, and by how much.

    A record is listed once for each computation that it was late for; it may count in the others.
    The number of all of them, by computation, is said at the end, on stderr.
    """
    if computation is not None and computation not in COMPUTATIONS:
        raise SettingError(f"--for {computation}: must be one of {', '.join(COMPUTATIONS)}")
    if not 1 <= limit <= 100_000:
        raise SettingError(f"--limit {limit}: must be 1 to 100000")
    settings = load_settings(broker=broker)
    topic = settings.catalogue().name(LATE_EVENTS)
    with quiet_client():
        found = run_work(find_late(settings.cluster, topic, Wanted(computation, user, limit)))
    if as_json:
        for event in found.newest:
            typer.echo(json_line(event.message), nl=False)
    else:
        _table(found.newest)
    _summary(found)


def _table(events: Sequence[LateEvent]) -> None:
    if not events:
        return
    typer.echo(_ROW.format("event time", "late for", "late by", "stream time", "source", "user"))
    for late in events:
        by, now = _seconds(late.by), iso(late.stream_time)
        typer.echo(_ROW.format(iso(late.time), late.computation, by, now, late.source, late.user))


def _seconds(ms: int) -> str:
    return f"{ms / 1000:,.3f} s"


def _summary(found: Found) -> None:
    parts = [f"{name} {number:,}" for name, number in sorted(found.counts.items())]
    whole = f"{len(found.newest)} of {found.counts.total():,} late events"
    typer.echo(f"{whole}: {', '.join(parts)}" if parts else "no late events", err=True)
