"""`streamjoin dead-letters ...`: what was refused, and its replay."""

import math
from typing import TYPE_CHECKING, Annotated

import typer

from app.cli.letter_views import (
    Reasons,
    Since,
    Source,
    Until,
    list_letters,
    show_letter,
    wanted_letters,
)
from app.cli.options import (
    NOTHING_CHANGED,
    BrokerFlag,
    DryRunFlag,
    JsonFlag,
    YesFlag,
    ask,
    show_json,
    show_table,
)
from app.cli.quiet import quiet_client
from app.cli.work import run_work
from app.errors import SettingError
from app.letters.find import Wanted
from app.numbers import real
from app.settings import Settings, load_settings

if TYPE_CHECKING:
    from app.letters.replay import Plan

dead_letters_cli = typer.Typer(
    help="Look at records that were refused, and replay them.", no_args_is_help=True
)


@dead_letters_cli.callback()
def dead_letters() -> None:
    """Look at records that were refused, and replay them."""


dead_letters_cli.command("list")(list_letters)
dead_letters_cli.command("show")(show_letter)


@dead_letters_cli.command("replay")
def replay_letters(
    broker: BrokerFlag = None,
    reasons: Reasons = None,
    since: Since = None,
    until: Until = None,
    topic: Source = None,
    rate: Annotated[
        float, typer.Option(metavar="N", parser=real, help="At most so many a second; 0: no limit.")
    ] = 100.0,
    dry_run: DryRunFlag = False,
    yes: YesFlag = False,
    as_json: JsonFlag = False,
) -> None:
    """Send refused records again to where they came from, each letter once.

    For records that would be taken now: their handler is mended, a rule or a limit has been
    changed, their time has come. A record that is refused again is a new dead letter. Key, value
    and partition are as they were. What has been replayed is written down in the same
    transaction, so that no letter is replayed twice, also after kill -9: run it again to go on.
    """
    if not math.isfinite(rate) or rate < 0:
        raise SettingError(f"--rate {rate:g}: must be 0 (no limit) or more")
    settings = load_settings(broker=broker)
    wanted = wanted_letters(settings, reasons, since, until, topic)
    with quiet_client():
        run_work(_replay(settings, wanted, rate, dry_run=dry_run, yes=yes, as_json=as_json))


async def _replay(
    settings: Settings, wanted: Wanted, rate: float, *, dry_run: bool, yes: bool, as_json: bool
) -> None:
    from app.letters.replay import plan_replay, replay

    plan = await plan_replay(settings, wanted)
    _show(plan, as_json=as_json)
    total = plan.to_replay.total()
    if dry_run or not total:
        if not as_json:
            typer.echo(NOTHING_CHANGED if dry_run else "nothing to replay")
        return
    ask(f"Replay {total:,} dead letters?", yes=yes)

    def told(done: int) -> None:
        typer.echo(f"{done:,} of {total:,} replayed", err=True)

    done = await replay(plan, rate, told)
    if as_json:
        show_json([{"replayed": done}])
    else:
        typer.echo(f"{done:,} dead letters were replayed")


def _show(plan: "Plan", *, as_json: bool) -> None:
    counts = sorted(plan.to_replay.items())
    if as_json:
        show_json({"topic": t, "reason": r, "to_replay": n} for (t, r), n in counts)
        show_json({"skipped": n, "because": why} for why, n in sorted(plan.skipped.items()))
        return
    show_table(("to topic", "reason", "dead letters"), [(t, r, n) for (t, r), n in counts])
    for why, number in sorted(plan.skipped.items()):
        typer.echo(f"skipped {number:,}: {why}")
