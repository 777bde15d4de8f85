"""What commands of operations share: flags, tables for people, JSON for programs, asking."""

import json
import signal
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Any

import typer

from app.errors import SettingError
from app.settings import Settings
from models.topics import TOPICS

BrokerFlag = Annotated[str | None, typer.Option(help="HOST:PORT of Kafka.")]
AppIdFlag = Annotated[str | None, typer.Option(help="The group, stream-joins by default.")]
JsonFlag = Annotated[bool, typer.Option("--json", help="One JSON object a line, for programs.")]
DryRunFlag = Annotated[
    bool, typer.Option("--dry-run", help="Show what would change, and change nothing.")
]
YesFlag = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]

NOTHING_CHANGED = "nothing has been changed (--dry-run)"
_BETWEEN = "  "


def actual_name(topic: str, settings: Settings) -> str:
    """Return the actual name of a catalogue's topic; another name is taken as it is."""
    catalogue = settings.catalogue()
    return {known.id: catalogue.name(known) for known in TOPICS}.get(topic, topic)


def at_least_one(flag: str, number: int | None) -> None:
    """Raise SettingError naming the flag for a number below 1."""
    if number is not None and number < 1:
        raise SettingError(f"{flag} {number}: must be 1 or more")


def show_table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Print rows in aligned columns, numbers to the right; None is a dash. Nothing for no rows."""
    lines = list(rows)
    if not lines:
        return
    texts = [list(head), *([_cell(value) for value in row] for row in lines)]
    widths = [max(len(row[column]) for row in texts) for column in range(len(head))]
    right = [
        all(isinstance(row[column], int | float | None) for row in lines)
        for column in range(len(head))
    ]
    for row in texts:
        cells = [
            text.rjust(width) if to_right else text.ljust(width)
            for text, width, to_right in zip(row, widths, right, strict=True)
        ]
        typer.echo(_BETWEEN.join(cells).rstrip())


def _cell(value: object) -> str:
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return f"{value:,.1f}"
    return plain(str(value))


def plain(text: str) -> str:
    """Return text that cannot steer a terminal: what is not printable is escaped."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def show_json(rows: Iterable[Mapping[str, Any]]) -> None:
    """Print each as one line of JSON."""
    for row in rows:
        typer.echo(json.dumps(row, ensure_ascii=False))


def ask(question: str, *, yes: bool) -> None:
    """Have a destructive command confirmed, unless `yes`.

    Raises typer.Abort on a no, KeyboardInterrupt, SettingError where nobody can be asked.
    """
    if yes:
        return
    if not sys.stdin.isatty():
        raise SettingError("no terminal to ask on: give --yes to go on, or --dry-run to look")
    # asyncio's handler would leave a first Ctrl-C until the question is answered.
    handler = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        typer.confirm(question, abort=True)
    except typer.Abort as answer:
        if isinstance(answer.__context__, KeyboardInterrupt):  # It takes Ctrl-C for a no.
            raise KeyboardInterrupt from None
        raise
    finally:
        signal.signal(signal.SIGINT, handler)
