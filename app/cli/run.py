"""Runs one command line: turns what went wrong into one line and an exit status."""

import sys
from contextlib import suppress
from typing import Final

import typer
from typer.exceptions import TyperException

from app.cli.commands import cli
from app.cli.output import OutputError, give_up_output, watch_output
from app.errors import UserError
from app.unknown_variables import unknown_variables

_NAME: Final = "streamjoin"
_WRONG_USAGE: Final = 2


def run() -> int:
    """Run the command that the arguments name; its exit status.

    That of a `UserError`, 2 for a flag that there is not or that has a wrong value, 1 where
    standard output does not take what was asked for.
    """
    watch_output()
    for text in unknown_variables():
        _say(_NAME, f"warning: {text}")
    try:
        status = _run()
        if sys.stdout is not None:
            sys.stdout.flush()
    except UserError as refusal:
        _say(_NAME, str(refusal))
        return refusal.exit_status
    except OutputError as error:
        _say(_NAME, f"standard output is not whole: it cannot be written ({error.strerror})")
        give_up_output()
        return 1
    return status


def _run() -> int:
    """Run it. Raises UserError."""
    try:
        status: int | None = cli(prog_name=_NAME, standalone_mode=False)
    except typer.Abort:
        _say(_NAME, "nothing has been done")
        return 1
    except TyperException as error:
        context = getattr(error, "ctx", None)
        command = context.command_path if context is not None else _NAME
        message = " ".join(error.format_message().replace("Value error, ", "").split())
        if message:  # None where no command was given: the list of them is the answer.
            _say(command, f"{message} (see {command} --help)")
        return _WRONG_USAGE
    return status or 0


def _say(command: str, message: str) -> None:
    with suppress(OSError):  # The exit status still says it.
        sys.stderr.write(f"{command}: {message}\n")
