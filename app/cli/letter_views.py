"""`streamjoin dead-letters list` and `show`."""

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from app.cli.inputs import input_topic
from app.cli.moments import moment_ms
from app.cli.options import BrokerFlag, at_least_one, plain, show_table
from app.cli.quiet import quiet_client
from app.cli.tail import readable
from app.cli.work import run_work
from app.consumer.json_lines import json_line
from app.errors import SettingError
from app.letters.find import Found, Letter, Wanted, find_letters
from app.numbers import whole
from app.settings import Settings, load_settings
from models.dead_letters import ErrorType
from models.times import iso
from models.topics import DEAD_LETTERS

if TYPE_CHECKING:
    from app.letters.ledger import Ledger

_REASONS = ", ".join(ErrorType)
_PLACE = re.compile(r"(\d{1,9})@(\d{1,18})")

Reasons = Annotated[
    list[str] | None, typer.Option("--reason", help=f"Of this reason; repeatable. {_REASONS}.")
]
Since = Annotated[
    str | None, typer.Option("--since", help="Failed then or later: ISO 8601 or epoch seconds.")
]
Until = Annotated[str | None, typer.Option("--until", help="Failed before then.")]
Source = Annotated[
    str | None, typer.Option("--topic", help="From this input: clicks, purchases, user-events.")
]
WholeFlag = Annotated[
    bool, typer.Option("--json", help="Whole records, as `streamjoin export` writes them.")
]


def wanted_letters(
    settings: Settings,
    reasons: list[str] | None,
    since: str | None,
    until: str | None,
    topic: str | None,
) -> Wanted:
    """Return what the flags say. Raises SettingError naming the wrong one."""
    for reason in reasons or ():
        if reason not in tuple(ErrorType):
            raise SettingError(f"--reason {reason}: must be one of {_REASONS}")
    source = input_topic(topic, settings) if topic is not None else None
    return Wanted(
        frozenset(reasons or ()),
        moment_ms("--since", since),
        moment_ms("--until", until),
        settings.catalogue().name(source) if source else None,
    )


def list_letters(
    broker: BrokerFlag = None,
    reasons: Reasons = None,
    since: Since = None,
    until: Until = None,
    topic: Source = None,
    limit: Annotated[
        int,
        typer.Option(metavar="N", parser=whole, help="How many to show: those that failed last."),
    ] = 20,
    as_json: WholeFlag = False,
) -> None:
    """Show dead letters: when and why they failed, where they came from, and what was replayed.

    The number of all of them, by reason, is said at the end, on stderr.
    """
    at_least_one("--limit", limit)
    settings = load_settings(broker=broker)
    wanted = wanted_letters(settings, reasons, since, until, topic)
    with quiet_client():
        found, ledger = run_work(_find(settings, wanted, limit))
    if as_json:
        for letter in found.newest:
            typer.echo(json_line(letter.message), nl=False)
    else:
        _table(found.newest, ledger)
    _summary(found)


async def _find(settings: Settings, wanted: Wanted, limit: int) -> "tuple[Found, Ledger]":
    from app.letters.ledger import read_ledger

    ledger = await read_ledger(settings)
    topic = settings.catalogue().name(DEAD_LETTERS)
    return await find_letters(settings.cluster, topic, wanted, limit), ledger


def _table(letters: Sequence[Letter], ledger: "Ledger") -> None:
    rows = [
        (
            letter.place,
            _time(letter.failed_at),
            letter.reason,
            letter.source,
            ledger.when(letter) is not None,
            letter.text,
        )
        for letter in letters
    ]
    show_table(("letter", "failed at", "reason", "source", "replayed", "message"), rows)


def _time(ms: int | None) -> str | None:
    return iso(ms) if ms is not None and ms >= 0 else None


def _summary(found: Found) -> None:
    parts = [f"{name} {number:,}" for name, number in sorted(found.counts.items())]
    whole = f"{len(found.newest)} of {found.counts.total():,} dead letters"
    typer.echo(f"{whole}: {', '.join(parts)}" if parts else "no dead letters", err=True)


def show_letter(
    place: Annotated[
        str, typer.Argument(metavar="PARTITION@OFFSET", help="As `dead-letters list` shows it.")
    ],
    broker: BrokerFlag = None,
    as_json: WholeFlag = False,
) -> None:
    """Show one dead letter whole: headers, key and value."""
    found = _PLACE.fullmatch(place)
    if not found:
        raise SettingError(f"{place}: write PARTITION@OFFSET, 3@17")
    settings = load_settings(broker=broker)
    with quiet_client():
        letter, ledger = run_work(_read(settings, int(found[1]), int(found[2])))
    if as_json:
        typer.echo(json_line(letter.message), nl=False)
        return
    replayed = ledger.when(letter)
    for name, value in letter.message.headers:
        typer.echo(f"{plain(name):<18} {readable(value)}")
    typer.echo(f"{'failed':<18} {_time(letter.failed_at) or '-'}")
    typer.echo(f"{'replayed':<18} {_time(replayed) or 'no'}")
    typer.echo(f"{'key':<18} {readable(letter.message.key)}")
    typer.echo(f"{'value':<18} {readable(letter.message.value)}")


async def _read(settings: Settings, partition: int, offset: int) -> "tuple[Letter, Ledger]":
    from app.letters.ledger import read_ledger
    from app.letters.show import letter_at

    return await letter_at(settings, partition, offset), await read_ledger(settings)
