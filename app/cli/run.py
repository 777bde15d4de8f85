"""Runs one command line: turns what went wrong into one line and an exit status."""

import os
import sys
from contextlib import suppress
from typing import Final

import typer
from typer.exceptions import TyperException

from app.cli.commands import cli
from app.errors import UserError

_NAME: Final = "streamjoin"
_WRONG_USAGE: Final = 2
_STDOUT: Final = 1


def run() -> int:
    """Run the command that the arguments name; its exit status.

    That of a `UserError`, 2 for a flag that there is not or that has a wrong value, 1 where
    standard output does not take what was asked for.
    """
    try:
        status = _run()
    except UserError as refusal:
        _say(_NAME, str(refusal))
        status = refusal.exit_status
    except OSError:
        if _output_error() is None:
            raise
        status = 1
    if (error := _output_error()) is not None:
        _say(_NAME, f"standard output is not whole: it cannot be written ({error.strerror})")
        # Else the interpreter tries once more at its end, with a traceback and status 120.
        os.dup2(os.open(os.devnull, os.O_WRONLY), _STDOUT)
        status = status or 1
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
        message = " ".join(error.format_message().split())
        if message:  # None where no command was given: the list of them is the answer.
            _say(command, f"{message} (see {command} --help)")
        return _WRONG_USAGE
    return status or 0


def _output_error() -> OSError | None:
    """Give why standard output has not taken all that was written; None where it has."""
    try:
        sys.stdout.flush()
    except OSError as error:
        return error
    return None


def _say(command: str, message: str) -> None:
    with suppress(OSError):  # The exit status still says it.
        sys.stderr.write(f"{command}: {message}\n")
