"""The `streamjoin` command's first lines: a signal that stops it is heeded before all else.

Nothing that takes time is imported here: until `heed` a signal kills the process, as it does while
Python itself starts.
"""

import sys

from app.signals import stop_signals, unblock

_STOPPED = {"worker": 0, "demo": 0, "export": 130, "tail": 130}
"""The commands that a signal ends in order, with exit status 0, and that of Ctrl-C."""


def _heed(arguments: list[str]) -> None:
    """Heed signals where the command is one that they end in order."""
    name, foreground = " ".join(arguments[:1]), "--foreground" in arguments
    if name in _STOPPED:
        stop_signals.heed(interrupted=_STOPPED[name])
    elif arguments[:2] == ["broker", "start"] and foreground:
        stop_signals.heed()
    unblock()


_heed(sys.argv[1:])


def main() -> None:
    """Run the command line, and exit: see `app/cli/run.py`. 130 after Ctrl-C at any moment."""
    try:
        from app.cli.run import run

        status = run()
    except KeyboardInterrupt:
        status = 130
    stop_signals.ignore()
    sys.exit(status)


if __name__ == "__main__":
    main()
