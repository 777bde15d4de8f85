"""docs/commands.md names every command."""

import re
from collections.abc import Iterator
from pathlib import Path

import typer.main

from app.cli.commands import cli

TEXT = (Path(__file__).parents[2] / "docs" / "commands.md").read_text(encoding="utf-8")


def commands() -> Iterator[str]:
    """Every command as it is typed: `topics list`."""
    for name, command in sorted(vars(typer.main.get_command(cli))["commands"].items()):
        below = getattr(command, "commands", None)
        yield from [name] if below is None else (f"{name} {sub}" for sub in sorted(below))


def undocumented(text: str) -> list[str]:
    return [
        name
        for name in commands()
        if not re.search(rf"^\| `{re.escape(name)}[ `]", text, re.MULTILINE)
    ]


def test_every_command_has_its_row() -> None:
    assert len(list(commands())) > 20
    assert undocumented(TEXT) == []


def test_a_missing_row_is_seen() -> None:
    assert undocumented(TEXT.replace("| `lag ", "| `lagging ")) == ["lag"]
