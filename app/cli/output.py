"""Standard output whose failures are told from all others: a full disk, say."""

import io
import os
import sys
from typing import Final

_STDOUT: Final = 1


class OutputError(OSError):
    """Standard output does not take what is written to it."""


class _Output(io.FileIO):
    """The descriptor. What a `print` of any kind meets there is raised as an OutputError."""

    def write(self, data: object, /) -> int | None:  # type: ignore[override]
        try:
            return super().write(data)  # type: ignore[arg-type]
        except OSError as error:
            raise OutputError(error.errno, error.strerror) from None


def watch_output() -> None:
    """Have failures of standard output raised as OutputError from now on."""
    usual = sys.stdout
    if isinstance(usual, io.TextIOWrapper):
        usual.flush()
        sys.stdout = io.TextIOWrapper(
            io.BufferedWriter(_Output(_STDOUT, "w", closefd=False)),
            usual.encoding,
            usual.errors,
            line_buffering=usual.line_buffering,
        )


def give_up_output() -> None:
    """Drop what is left: else the interpreter tries again at its end, with a status of its own."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), _STDOUT)
