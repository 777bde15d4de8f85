"""Starting processes so that an interrupt at any moment leaves none behind.

A signal handler that raises does so between any two steps of the main thread: also after the fork
and before anybody knows the new process. So handlers are put off until it is known here.
"""

import atexit
import signal
import subprocess
import threading
from collections.abc import Iterator, Sequence
from types import FrameType
from typing import Any, Final

_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

Child = subprocess.Popen[bytes]

_children: dict[int, Child] = {}
"""Processes that this one started: an ended child must be waited for, or it stays a zombie."""


@atexit.register
def _let_go() -> None:
    # Brokers outlive us on purpose: without this, the interpreter's end warns of each.
    for child in _children.values():
        child.returncode = 0


class _PutOff:
    """Handles signals later: for the length of the block they are only noted."""

    def __init__(self) -> None:
        self._noting = True
        self._came: list[tuple[int, FrameType | None]] = []
        self._handlers: dict[int, Any] = {}

    def __enter__(self) -> None:
        # Handlers run in the main thread only; those that are no function raise nothing.
        if threading.current_thread() is threading.main_thread():
            for number in _SIGNALS:
                self._handlers[number] = signal.getsignal(number)
                if callable(self._handlers[number]):
                    signal.signal(number, self._handle)

    def __exit__(self, *_: object) -> None:
        self._noting = False
        for number, handler in self._handlers.items():
            if callable(handler):
                signal.signal(number, handler)
        for number, frame in self._came:
            self._handlers[number](number, frame)

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if self._noting:
            self._came.append((number, frame))
        else:
            self._handlers[number](number, frame)


def start(command: Sequence[str], **how: Any) -> Child:  # noqa: ANN401 (as Popen takes it)
    """Start `command` as `subprocess.Popen` would; killed again where an interrupt comes."""
    child: Child | None = None
    try:
        with _PutOff():
            child = _popen(command, how)
    except BaseException:
        if child is not None:
            end(child)
        raise
    return child


def _popen(command: Sequence[str], how: dict[str, Any]) -> Child:
    child = subprocess.Popen(command, **how)  # noqa: S603 - no shell, our callers' own arguments
    _children[child.pid] = child
    return child


def run(command: Sequence[str], timeout: float) -> subprocess.CompletedProcess[str]:
    """Run `command` to its end, without input; its status and what it wrote.

    It is killed where an interrupt comes. Raises subprocess.TimeoutExpired after `timeout`
    seconds, having killed it, and OSError where it cannot be started.
    """
    pipes = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    child: Child | None = None
    try:
        with _PutOff():
            child = _popen(command, pipes)
        output, errors = child.communicate(timeout=timeout)
    finally:
        if child is not None:
            end(child)
    words = (output.decode("utf-8", "replace"), errors.decode("utf-8", "replace"))
    return subprocess.CompletedProcess(command, child.returncode, *words)


def end(child: Child) -> None:
    """SIGKILL if it still runs, wait for the end, and close our ends of its pipes."""
    child.kill()
    child.wait()
    for pipe in filter(None, (child.stdin, child.stdout, child.stderr)):
        pipe.close()
    forget(child.pid)


def get(pid: int) -> Child | None:
    """Return our own child `pid`; None where it is another's."""
    return _children.get(pid)


def forget(pid: int) -> None:
    """Take note that it has been waited for."""
    _children.pop(pid, None)


def naming(argument: str) -> Iterator[Child]:
    """Our own children that were started with this argument."""
    return (child for child in list(_children.values()) if argument in list(child.args))  # type: ignore[arg-type]
