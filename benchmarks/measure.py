"""Runs one program as a process of its own and measures what it used."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import resource
import signal
import subprocess
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

POLL_S = 0.1
STOP_S = 30.0
LOG_LINES = 15


class RunFailedError(Exception):
    """A measured program ended early or did not finish in time; carries the end of its log."""


@dataclass(frozen=True)
class Usage:
    """What a process used from its start to its end."""

    cpu_s: float
    """User and system time, start-up and shutdown included."""
    wall_s: float
    """From the start of the process to the moment that its work was done."""
    peak_mb: float
    """Peak resident memory, in MB of 1024^2 bytes."""
    exit_status: int


class Worker:
    """A measured process, its log in a file."""

    def __init__(self, argv: Sequence[str], env: Mapping[str, str], log: Path) -> None:
        """Start `argv` with `env` added to the environment, less our settings in it."""
        inherited = {k: v for k, v in os.environ.items() if not k.startswith("STREAMJOIN_")}
        self.log = log
        self.started = time.monotonic()
        with log.open("wb") as sink:
            self._process = subprocess.Popen(
                argv,
                env={**inherited, **env},
                stdin=subprocess.DEVNULL,
                stdout=sink,
                stderr=subprocess.STDOUT,
            )
        self._ended: tuple[int, resource.struct_rusage] | None = None
        self._peak_mb = 0.0

    @property
    def pid(self) -> int:
        """Return the process id."""
        return self._process.pid

    def running(self) -> bool:
        """Tell whether it runs, and note its peak memory while it does."""
        if self._ended is None:
            self._peak_mb = max(self._peak_mb, peak_memory_mb(self.pid))
            pid, status, usage = os.wait4(self.pid, os.WNOHANG)
            if pid:
                self._process.returncode = os.waitstatus_to_exitcode(status)
                self._ended = (self._process.returncode, usage)
        return self._ended is None

    def cpu_s(self) -> float:
        """Return the user and system time so far, as /proc has it; 0 where there is none."""
        try:
            stat = Path(f"/proc/{self.pid}/stat").read_text()
        except OSError:
            return 0.0
        user, system = stat.rpartition(")")[2].split()[11:13]
        return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")

    async def until(self, done: Callable[[], Awaitable[bool]], limit_s: float) -> float:
        """Wait until `done`; return the seconds since the start.

        Raises RunFailedError when the process ends first or `limit_s` passes.
        """
        return await wait_until(self, done, limit_s)

    async def stop(self, wall_s: float = 0.0) -> Usage:
        """End the process (SIGTERM, after 30 s SIGKILL) and return what it used."""
        deadline = time.monotonic() + STOP_S
        if self.running():
            self._signal(signal.SIGTERM)
        while self.running():
            if time.monotonic() > deadline:
                self._signal(signal.SIGKILL)
            await asyncio.sleep(POLL_S)
        if self._ended is None:
            raise AssertionError("running() returned false without an end")
        status, usage = self._ended
        peak = self._peak_mb or usage.ru_maxrss / 1024
        return Usage(usage.ru_utime + usage.ru_stime, wall_s, peak, status)

    def _signal(self, number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, number)

    def tail(self) -> str:
        """Return the last lines of the log."""
        lines = self.log.read_text(errors="replace").splitlines()
        return "\n".join(lines[-LOG_LINES:])


class Measured(Protocol):
    """One process or several, measured together."""

    started: float

    def running(self) -> bool:
        """Tell whether all of it runs."""

    def cpu_s(self) -> float:
        """Return the user and system time so far."""

    async def until(self, done: Callable[[], Awaitable[bool]], limit_s: float) -> float:
        """Wait until `done`; return the seconds since the start. Raises RunFailedError."""

    async def stop(self, wall_s: float = 0.0) -> Usage:
        """End it and return what it used."""

    def tail(self) -> str:
        """Return the last lines of its log."""


async def wait_until(
    subject: Measured, done: Callable[[], Awaitable[bool]], limit_s: float
) -> float:
    """Do what `Measured.until` says."""
    while not await done():
        if not subject.running():
            raise RunFailedError(f"it ended early:\n{subject.tail()}")
        if time.monotonic() - subject.started > limit_s:
            raise RunFailedError(f"not done after {limit_s:.0f} s:\n{subject.tail()}")
        await asyncio.sleep(POLL_S)
    subject.running()
    return time.monotonic() - subject.started


class Fleet:
    """Several workers of one group, measured as one: CPU added up, the largest memory."""

    def __init__(self, workers: Sequence[Worker]) -> None:
        """`workers`: started already."""
        self._workers = workers
        self.started = min(worker.started for worker in workers)

    def running(self) -> bool:
        """See `Measured`."""
        running = [worker.running() for worker in self._workers]  # Each notes its memory.
        return all(running)

    def cpu_s(self) -> float:
        """See `Measured`."""
        return sum(worker.cpu_s() for worker in self._workers)

    async def until(self, done: Callable[[], Awaitable[bool]], limit_s: float) -> float:
        """See `Measured`."""
        return await wait_until(self, done, limit_s)

    async def stop(self, wall_s: float = 0.0) -> Usage:
        """See `Measured`."""
        used = await asyncio.gather(*(worker.stop(wall_s) for worker in self._workers))
        return Usage(
            sum(usage.cpu_s for usage in used),
            wall_s,
            max(usage.peak_mb for usage in used),
            max(usage.exit_status for usage in used),
        )

    def tail(self) -> str:
        """See `Measured`."""
        return "\n".join(worker.tail() for worker in self._workers)


def peak_memory_mb(pid: int) -> float:
    """Return the peak resident memory of a running process, 0 where /proc does not tell.

    Not `ru_maxrss`: Linux counts the parent's memory in it for a child made by vfork.
    """
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0.0
    match = re.search(r"VmHWM:\s+(\d+) kB", status)
    return int(match[1]) / 1024 if match else 0.0
