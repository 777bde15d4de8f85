"""The demo's side of its worker process."""

import contextlib
import os
import signal
import subprocess
import sys
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

import msgspec

import app
from app.broker import children
from app.demo.child import Flags
from app.demo.folder import RunFolder
from app.errors import UserError

_STOP_SECONDS: Final = 12.0
_LINES_SHOWN: Final = 8


class DemoWorker:
    """One worker in a process of its own, which ends with this one whatever happens."""

    def __init__(self, folder: RunFolder) -> None:
        """Start the process; it loads its modules and waits for `go`."""
        self.log = folder.log
        with folder.log.open("wb") as log:
            self._process = children.start(
                [sys.executable, "-P", "-m", "app.demo.child", str(folder.root)],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                env=_environment(),
                # Ctrl-C is ours to handle: the worker is stopped before its broker.
                start_new_session=True,
            )

    def __enter__(self) -> Self:
        """Use as a context manager: it is stopped at the end of the block."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop it. Raises UserError where it should have stopped well and did not."""
        status = self.stop()
        if kind in (None, KeyboardInterrupt) and status not in (0, -signal.SIGTERM):
            raise self._ended(status)

    @property
    def pid(self) -> int:
        """The process's id."""
        return self._process.pid

    def go(self, flags: dict[str, Any]) -> None:
        """Let it run with these flags, by setting's name. Raises UserError if it has ended."""
        self.check()
        pipe = self._process.stdin
        with contextlib.suppress(BrokenPipeError):
            if pipe is not None:
                pipe.write(msgspec.json.encode(Flags(flags)) + b"\n")
                pipe.flush()

    def check(self) -> None:
        """Raise UserError with its last words if it has ended."""
        status = self._process.poll()
        if status is not None:
            raise self._ended(status)

    def _ended(self, status: int) -> UserError:
        said = self.log.read_text("utf-8", "replace").strip().splitlines()
        words = "\n  ".join(said[-_LINES_SHOWN:]) or "nothing"
        how = f"exit status {status}" if status >= 0 else f"signal {-status}"
        return UserError(
            f"the worker has ended ({how}); its log is {self.log} and ends with\n  {words}"
        )

    def stop(self) -> int:
        """SIGTERM, so that it commits and leaves; SIGKILL if it takes too long; its status."""
        process = self._process
        process.terminate()
        try:
            process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        # Closed only now: the end of the pipe would tell it that we are gone.
        if process.stdin is not None:
            with contextlib.suppress(BrokenPipeError):
                process.stdin.close()
        return process.returncode


def _environment() -> dict[str, str]:
    """Ours, with the packages where we have them from, wherever the demo was started."""
    root = str(Path(str(app.__file__)).parents[1])
    paths = [root, *filter(None, [os.environ.get("PYTHONPATH")])]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(paths), "PYTHONFAULTHANDLER": "1"}
