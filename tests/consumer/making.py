"""Topics with records, consumers, and child processes for the tests of consuming."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

from aiokafka import AIOKafkaProducer

from app.consumer import ConsumerOptions, Handler, ManualConsumer, Message
from tests.producer.support import new_topic
from tests.support.topics import committed, until

ROOT = Path(__file__).resolve().parents[2]
Option = Any
"""Of `ConsumerOptions`."""
LONG = 120.0
"""Seconds that anything may take on a slow machine."""


def new_group() -> str:
    return f"g-{uuid4().hex[:10]}"


async def write(bootstrap: str, topic: str, values: dict[int, list[bytes]]) -> None:
    """Write values by partition; keys are `k` and the number in the partition."""
    async with AIOKafkaProducer(bootstrap_servers=bootstrap, enable_idempotence=True) as producer:
        futures = [
            await producer.send(topic, value, b"k%d" % number, partition=partition)
            for partition, held in values.items()
            for number, value in enumerate(held)
        ]
        for future in futures:
            await future


async def filled(bootstrap: str, partitions: int, each: int) -> str:
    """A topic with so many records in each partition."""
    topic = await new_topic(bootstrap, partitions)
    values = {p: [b'{"n":%d}' % n for n in range(each)] for p in range(partitions)}
    await write(bootstrap, topic, values)
    return topic


@asynccontextmanager
async def consumer_of(
    bootstrap: str, topic: str, group: str | None, **options: Option
) -> AsyncIterator[ManualConsumer]:
    given = ConsumerOptions(**options)
    async with ManualConsumer(bootstrap, [topic], group, given) as consumer:
        yield consumer


async def committed_is(bootstrap: str, group: str, topic: str, wanted: dict[int, int]) -> None:
    """Wait until the group has committed these offsets, by partition."""

    async def is_so() -> bool:
        found = await committed(bootstrap, group)
        return {p: found.get((topic, p)) for p in wanted} == wanted

    await until(is_so, LONG, f"committed at {wanted}")


def _whole(descriptor: int) -> bytes:
    """What a file holds; seeking would move the place at which the child writes."""
    return os.pread(descriptor, os.fstat(descriptor).st_size, 0)


class Child:
    """A process that consumes; what it printed by now."""

    def __init__(self, arguments: list[str], stdin: int | None = None) -> None:
        """`stdin`: a file descriptor; by default this process's."""
        self._out = tempfile.TemporaryFile()  # noqa: SIM115 (closed by the context below)
        self.errors = tempfile.TemporaryFile()  # noqa: SIM115
        self.process = subprocess.Popen(
            arguments, stdin=stdin, stdout=self._out, stderr=self.errors, cwd=ROOT
        )

    @property
    def text(self) -> bytes:
        return _whole(self._out.fileno())

    @property
    def handled(self) -> list[tuple[int, int]]:
        """(partition, offset) of the lines that are whole."""
        whole = self.text.rpartition(b"\n")[0]
        return [(int(p), int(o)) for p, o in (line.split() for line in whole.splitlines())]

    @property
    def log(self) -> str:
        return _whole(self.errors.fileno()).decode()

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    async def ended(self, number: signal.Signals | None = None) -> int:
        """Its exit status, after a signal if one is given."""
        if number is not None:
            self.process.send_signal(number)

        async def over() -> bool:
            return self.process.poll() is not None

        await until(over, LONG, "at its end")
        return int(self.process.returncode)

    async def has_handled(self, count: int) -> None:
        async def enough() -> bool:
            assert self.process.poll() is None, self.log
            return len(self.handled) >= count

        await until(enough, LONG, f"at {count} records", 0.02)

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGCONT)
            self.kill()
        self._out.close()
        self.errors.close()


@contextmanager
def child(
    bootstrap: str, topic: str, group: str, seconds: float = 0.0, **options: Option
) -> Iterator[Child]:
    module = [sys.executable, "-m", "tests.consumer.child"]
    made = Child([*module, bootstrap, topic, group, json.dumps(options), str(seconds)])
    try:
        yield made
    finally:
        made.close()


def raising(kinds: dict[int, int], calls: list[int]) -> Handler:
    """A handler that raises at an offset so many times, and notes each call."""

    async def handle(message: Message) -> None:
        calls.append(message.offset)
        if kinds.get(message.offset, 0) > 0:
            kinds[message.offset] -= 1
            raise ValueError(f"secret {message.value!r}")

    return handle


async def run_until(
    consumer: ManualConsumer, handle: Handler, count: int, calls: list[int]
) -> None:
    """Run until so many calls were made, then stop gracefully."""

    async def enough() -> bool:
        return task.done() or len(calls) >= count

    task = asyncio.create_task(consumer.run(handle, stop_on=()))
    await until(enough, LONG, f"at {count} calls", 0.02)
    consumer.stop()
    await asyncio.wait_for(task, LONG)
