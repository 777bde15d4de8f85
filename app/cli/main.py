"""The `streamjoin` command: wires the command groups and turns errors into one line."""

import sys

import typer

from app.errors import UserError

cli = typer.Typer(
    name="streamjoin",
    help="Join a shop's clicks with its purchases while they happen.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)


@cli.callback()
def root() -> None:
    """Join a shop's clicks with its purchases while they happen."""


def main() -> None:
    """Run the command line; a `UserError` is one line on stderr and its exit status."""
    try:
        cli()
    except UserError as error:
        print(f"streamjoin: {error}", file=sys.stderr)
        sys.exit(error.exit_status)


if __name__ == "__main__":
    main()
