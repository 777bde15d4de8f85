"""`streamjoin lag`: how far the service is behind its topics."""

import asyncio
import math
import sys
import time
from typing import TYPE_CHECKING, Annotated

import typer

from app.cli.options import AppIdFlag, BrokerFlag, JsonFlag, show_json, show_table
from app.cli.quiet import quiet_client
from app.cli.work import run_work
from app.errors import SettingError
from app.gaps import remedy
from app.numbers import real
from app.settings import Settings, load_settings
from models.times import iso

if TYPE_CHECKING:
    from app.operations.lag import GroupLag

_CLEAR = "\x1b[H\x1b[2J"
_HEAD = ("topic", "partition", "committed", "end", "lag", "seconds", "owner", "gone")


def lag_cli(
    group: Annotated[
        str | None, typer.Argument(help="A consumer group, by default the service's.")
    ] = None,
    broker: BrokerFlag = None,
    app_id: AppIdFlag = None,
    watch: Annotated[bool, typer.Option("--watch", help="Look again and again.")] = False,
    interval: Annotated[
        float, typer.Option(metavar="S", parser=real, help="Seconds between looks.")
    ] = 2.0,
    as_json: JsonFlag = False,
) -> None:
    """Show a group's lag per partition: in records, and in seconds.

    `lag` is the number of offsets between what is committed and what can be read; `seconds` says
    for how long the oldest record that waits has been waiting.
    """
    if not math.isfinite(interval) or interval < 0.1:
        raise SettingError(f"--interval {interval:g}: must be 0.1 seconds or more")
    settings = load_settings(broker=broker, app_id=app_id)
    with quiet_client():
        run_work(_look(settings, group or settings.app_id, watch, interval, as_json=as_json))


async def _look(
    settings: Settings, group: str, watch: bool, interval: float, *, as_json: bool
) -> None:
    from app.operations.lag import group_lag

    while True:
        found = await group_lag(settings, group)
        if watch and not as_json:
            now = iso(time.time_ns() // 1_000_000)
            typer.echo((_CLEAR if sys.stdout.isatty() else "") + f"{now}, Ctrl-C ends")
        if as_json:
            show_json(row._asdict() | {"group": group} for row in found.partitions)
        else:
            show_lag(found)
        if not watch:
            return
        sys.stdout.flush()
        await asyncio.sleep(interval)


def show_lag(found: "GroupLag") -> None:
    """Print a group's state, its partitions, and their sum."""
    state, members = found.group.state, len(found.group.members)
    if state == "Dead":
        typer.echo(f"group {found.group.name}: not there, no worker has joined it yet")
    else:
        typer.echo(f"group {found.group.name}: {state}, {members} members")
    show_table(_HEAD, found.partitions)
    oldest = [row.seconds for row in found.partitions if row.seconds is not None]
    age = f", the oldest has waited for {max(oldest):,.1f} s" if oldest else ""
    typer.echo(f"lag {found.lag:,} records{age}")
    for gap in found.gaps:
        typer.echo(f"{gap.what()}; its partition stands still")
    if found.gaps:
        typer.echo(f"{remedy(found.gaps)}; the state is kept")
    if found.left_out:
        typer.echo(
            f"left out: {', '.join(found.left_out)}, of which the group has offsets and which the "
            "settings do not name"
        )
