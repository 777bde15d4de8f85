"""`streamjoin export` as a process."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.consumer.making import LONG, ROOT, Child
from tests.support.kafka import Kafka
from tests.support.topics import until


def arguments(kafka: Kafka, topic: str, *more: str | Path) -> list[str]:
    command = [sys.executable, "-m", "app.cli.main", "export", topic]
    return [*command, "--broker", kafka.bootstrap, *map(str, more)]


def export(kafka: Kafka, topic: str, *more: str | Path) -> "subprocess.CompletedProcess[bytes]":
    return subprocess.run(
        arguments(kafka, topic, *more), capture_output=True, timeout=LONG, cwd=ROOT
    )


def started(command: list[str], output: int) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(command, stdout=output, stderr=subprocess.PIPE, cwd=ROOT)


@contextmanager
def running(kafka: Kafka, topic: str, *more: str | Path) -> Iterator[Child]:
    made = Child(arguments(kafka, topic, *more))
    try:
        yield made
    finally:
        made.close()


def places(data: bytes) -> list[tuple[int, int]]:
    """(partition, offset) of each line."""
    found = [json.loads(line) for line in data.splitlines()]
    return [(line["partition"], line["offset"]) for line in found]


def every(partitions: int, each: int) -> list[tuple[int, int]]:
    return [(p, o) for p in range(partitions) for o in range(each)]


def lines_in(path: Path) -> int:
    return path.read_bytes().count(b"\n") if path.exists() else 0


async def has_lines(path: Path, child: Child, count: int) -> None:
    async def enough() -> bool:
        assert child.process.poll() is None, child.log
        return lines_in(path) >= count

    await until(enough, LONG, f"at {count} lines", 0.02)
