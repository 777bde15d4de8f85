"""The `streamjoin` command: turns errors into one line and an exit status."""

import sys
from typing import Final, NoReturn

from app.errors import UserError

_NAME: Final = "streamjoin"
_WRONG_USAGE: Final = 2


def main() -> NoReturn:
    """Run the command line; what is wrong is one line on stderr and an exit status.

    That of a `UserError`, 2 for a flag that there is not or that has a wrong value. Ctrl-C at any
    moment, also while packages are still being imported, is exit status 130.
    """
    try:
        sys.exit(_run())
    except UserError as error:
        sys.stderr.write(f"streamjoin: {error}\n")
        sys.exit(error.exit_status)
    except KeyboardInterrupt:
        sys.exit(130)


def _run() -> int:
    """Run the command that the arguments name; its exit status. Raises UserError."""
    import typer
    from typer.exceptions import TyperException

    from app.cli.commands import cli

    try:
        status: int | None = cli(prog_name=_NAME, standalone_mode=False)
    except typer.Abort:
        sys.stderr.write("streamjoin: nothing has been done\n")
        return 1
    except TyperException as error:
        context = getattr(error, "ctx", None)
        command = context.command_path if context is not None else _NAME
        message = " ".join(error.format_message().split())
        if message:  # None where no command was given: the list of them is the answer.
            sys.stderr.write(f"{command}: {message} (see {command} --help)\n")
        return _WRONG_USAGE
    return status or 0


if __name__ == "__main__":
    main()
