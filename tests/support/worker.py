"""A worker as a process of its own."""

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.support.ports import held_port
from tests.support.topics import until

ROOT = Path(__file__).resolve().parents[2]
END_SECONDS = 120.0


class Worker(AbstractContextManager["Worker"]):
    """A worker process; killed, if it still runs, at the end of the block."""

    def __init__(
        self,
        environment: dict[str, str],
        data: Path,
        module: str,
        root: Path = ROOT,
        launcher: Sequence[str] = (),
    ) -> None:
        """`data`: its folder; `module`: run in `root` with `-m` and the argument `worker`.

        `launcher`: a command that ends as the worker, by exec.
        """
        self._stack = ExitStack()
        self.port = self._stack.enter_context(held_port())
        self.url = f"http://127.0.0.1:{self.port}"
        kept = {name: v for name, v in os.environ.items() if not name.startswith("STREAMJOIN_")}
        self.environment = {
            **kept,
            "STREAMJOIN_WEB_PORT": str(self.port),
            "STREAMJOIN_DATA_DIR": str(data),
            "PYTHONFAULTHANDLER": "1",
            **environment,
        }
        self._command = [*launcher, sys.executable, "-m", module, "worker"]
        self._root = root
        self._process: subprocess.Popen[bytes] | None = None
        self.log = tempfile.TemporaryFile()  # noqa: SIM115 (closed with the block)
        self._stack.callback(self.log.close)

    def start(self) -> Self:
        self._process = subprocess.Popen(
            self._command, env=self.environment, cwd=self._root, stdout=self.log, stderr=self.log
        )
        return self

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.kill()
            self._process.wait()
        if error is not None:
            print(f"--- log of worker {self.process.pid} ---\n{self.text}")
        self._stack.close()

    @property
    def process(self) -> "subprocess.Popen[bytes]":
        assert self._process is not None
        return self._process

    @property
    def text(self) -> str:
        """What it has written to stdout and stderr."""
        # Not by seeking: the process writes where the descriptor that it shares stands.
        size = os.fstat(self.log.fileno()).st_size
        return os.pread(self.log.fileno(), size, 0).decode(errors="replace")

    @property
    def reason(self) -> str:
        """The one line in which it says why it has ended; those of its log begin with a time."""
        said = [line for line in self.text.splitlines() if line.startswith("streamjoin: ")]
        assert len(said) == 1, self.text
        return said[0]

    def kill(self) -> None:
        """kill -9."""
        self.process.kill()
        self.process.wait()

    async def status(self, seconds: float = END_SECONDS) -> int:
        """Its exit status, waited for."""

        async def ended() -> bool:
            return self.process.poll() is not None

        await until(ended, seconds, "at its end", 0.05)
        return int(self.process.returncode)

    async def terminate(self, seconds: float = END_SECONDS) -> int:
        """SIGTERM; its exit status."""
        self.process.send_signal(signal.SIGTERM)
        return await self.status(seconds)
