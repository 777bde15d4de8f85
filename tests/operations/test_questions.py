"""A destructive command asks who sits at a terminal, and does nothing without a yes."""

import os
import pty
import signal
from collections.abc import Iterator

import pytest

from tests.operations.child import says, started
from tests.support.kafka import Kafka
from tests.support.service import Service
from tests.support.topics import ends


@pytest.fixture
def terminal() -> Iterator[tuple[int, int]]:
    """The side of the person, and that of the command."""
    person, command = pty.openpty()
    yield person, command
    os.close(person)
    os.close(command)


@pytest.mark.parametrize(
    ("typed", "number", "status", "said"),
    [
        (b"n\n", None, 1, "streamjoin: nothing has been done\n"),
        (b"\n", None, 1, "streamjoin: nothing has been done\n"),
        (b"", signal.SIGINT, 130, ""),
    ],
    ids=["no", "enter", "Ctrl-C"],
)
async def test_whoever_does_not_say_yes_keeps_the_topic(
    kafka: Kafka,
    terminal: tuple[int, int],
    typed: bytes,
    number: signal.Signals | None,
    status: int,
    said: str,
) -> None:
    service = await Service(kafka.bootstrap, 1).create()
    with started(service, "topics", "delete", "clicks", stdin=terminal[1]) as child:
        await says(child, b"[y/N]:")
        os.write(terminal[0], typed)
        assert await child.ended(number) == status
        assert child.log == said
    assert await ends(kafka.bootstrap, service.of(), 1)
