"""The demo's worker process: `python -m app.demo.child RUN_FOLDER`, started by `worker.py`.

It loads everything while the broker starts, and runs the worker when it is told the broker's
address. Its standard input is a pipe from the demo: when that ends, the demo is gone (kill -9),
and the worker stops, ends the broker and removes the folder.
"""

import os
import signal
import sys
import threading
from pathlib import Path
from typing import Any

import msgspec

from app.demo.folder import RunFolder
from app.errors import UserError
from app.signals import stop_signals


class Flags(msgspec.Struct):
    """What the demo tells its worker: flags by setting's name."""

    given: dict[str, Any]


def main() -> int:
    """Wait for the flags, run the worker; its exit status."""
    stop_signals.heed()
    folder = RunFolder(Path(sys.argv[1]))
    # Imported while the broker starts: these take most of the worker's start.
    from app.settings import load_worker_settings
    from app.worker import run_worker

    line = _read_line()
    if not line.endswith(b"\n"):
        folder.clear()
        return 1
    abandoned = threading.Event()
    threading.Thread(target=_watch, args=(abandoned,), daemon=True).start()
    try:
        flags = msgspec.json.decode(line, type=Flags)
        return run_worker(load_worker_settings(**flags.given))
    except UserError as error:
        sys.stderr.write(f"streamjoin: {error}\n")
        return error.exit_status
    finally:
        if abandoned.is_set():
            folder.clear()


def _read_line() -> bytes:
    """Read up to the end of the line, or of the pipe.

    Not by `sys.stdin`: a thread that waits in it would abort the interpreter at its end.
    """
    line = b""
    while not line.endswith(b"\n") and (data := os.read(0, 65_536)):
        line += data
    return line


def _watch(abandoned: threading.Event) -> None:
    _read_line()
    abandoned.set()
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    sys.exit(main())
