"""Commands as processes that are watched while they run."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from tests.consumer.making import LONG, Child
from tests.support.service import Service
from tests.support.topics import until


@contextmanager
def started(service: Service, *arguments: str, stdin: int | None = None) -> Iterator[Child]:
    """The command under way, with the service's settings; killed at the end if it still runs."""
    settings = (f"{name}={value}" for name, value in service.environment.items())
    command = ["env", *settings, sys.executable, "-m", "app.cli.main", *arguments]
    child = Child(command, stdin)
    try:
        yield child
    finally:
        child.close()


async def says(child: Child, what: bytes, times: int = 1) -> None:
    """Wait until it has written this so often."""

    async def so() -> bool:
        assert child.process.poll() is None, child.log
        return child.text.count(what) >= times

    await until(so, LONG, f"writing {what!r}", 0.05)
