"""The `streamjoin` command: turns errors into one line and an exit status."""

import sys

from app.errors import UserError


def main() -> None:
    """Run the command line; a `UserError` is one line on stderr and its exit status.

    Ctrl-C at any moment, also while packages are still being imported, is exit status 130.
    """
    try:
        from app.cli.commands import cli

        cli()
    except UserError as error:
        sys.stderr.write(f"streamjoin: {error}\n")
        sys.exit(error.exit_status)
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()
