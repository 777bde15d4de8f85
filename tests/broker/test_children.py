"""An interrupt at the worst moment of a process's start leaves no process."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import psutil
import pytest

from app.broker import children

_SLEEP = [sys.executable, "-c", "import time; time.sleep(600)"]


@pytest.fixture
def interrupted_fork(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[int]]:
    """Ctrl-C right after each fork, before anybody has the pid; the pids, to look after them."""
    pids: list[int] = []

    class Interrupted(subprocess.Popen[bytes]):
        def __init__(self, *arguments: Any, **how: Any) -> None:  # noqa: ANN401
            super().__init__(*arguments, **how)
            pids.append(self.pid)
            signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(subprocess, "Popen", Interrupted)
    # A shell without job control has what it starts in the background ignore it.
    handler = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield pids
    assert signal.signal(signal.SIGINT, handler) is signal.default_int_handler
    for pid in filter(psutil.pid_exists, pids):
        os.kill(pid, signal.SIGKILL)


def test_a_start_that_is_interrupted_ends_its_child(interrupted_fork: list[int]) -> None:
    with pytest.raises(KeyboardInterrupt):
        children.start(_SLEEP)
    [pid] = interrupted_fork
    assert not psutil.pid_exists(pid)
    assert children.get(pid) is None


def test_a_run_that_is_interrupted_ends_its_child(interrupted_fork: list[int]) -> None:
    with pytest.raises(KeyboardInterrupt):
        children.run(_SLEEP, 60)
    [pid] = interrupted_fork
    assert not psutil.pid_exists(pid)


def test_a_run_that_takes_too_long_is_ended() -> None:
    with pytest.raises(subprocess.TimeoutExpired):
        children.run(_SLEEP, 0.1)
    assert not list(children.naming(_SLEEP[-1]))


def test_a_run_gives_the_status_and_both_outputs() -> None:
    code = "import sys; print('out'); print('err', file=sys.stderr); sys.exit(3)"
    answer = children.run([sys.executable, "-c", code], 60)
    assert (answer.returncode, answer.stdout, answer.stderr) == (3, "out\n", "err\n")


def test_what_cannot_be_started_is_told() -> None:
    with pytest.raises(FileNotFoundError):
        children.run(["/nowhere/java", "-version"], 60)
