"""docs/examples/exactly_once.py: killed and failing in open transactions, its output is exact."""

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from tests.consumer.making import LONG, ROOT, Child, committed_is, new_group, write
from tests.consumer.transforming import EXAMPLE
from tests.oracle.records import Record
from tests.producer.support import new_topic
from tests.support.groups import bury_members
from tests.support.kafka import Kafka
from tests.support.topics import committed, ends, read_all, settled, until

PARTITIONS = 2
EACH = 700
SLOW = 0.01


class Case:
    """Topics of its own, the source filled."""

    def __init__(self, kafka: Kafka, source: str, target: str) -> None:
        self.kafka, self.source, self.target = kafka, source, target
        self.group = new_group()

    @contextmanager
    def running(self, fail_at: int = -1, seconds: float = 0.0) -> Iterator[Child]:
        module = [sys.executable, "-m", "tests.consumer.transforming", self.kafka.bootstrap]
        given = [self.source, self.target, self.group, str(fail_at), str(seconds)]
        made = Child([*module, *given])
        try:
            yield made
        finally:
            made.close()

    async def output(self) -> list[Record]:
        return await read_all(self.kafka.bootstrap, [self.target], PARTITIONS)

    async def written(self) -> int:
        """How many records and markers lie in the target, committed or not."""
        last = await ends(
            self.kafka.bootstrap, [self.target], PARTITIONS, isolation="read_uncommitted"
        )
        return sum(last.values())

    async def in_transaction(self) -> bool:
        """Whether records lie in the target whose transaction has no end."""
        return not await settled(self.kafka.bootstrap, [self.target], PARTITIONS)

    async def bury(self) -> None:
        await bury_members(self.kafka.bootstrap, self.group)


async def case(kafka: Kafka) -> Case:
    source = await new_topic(kafka.bootstrap, PARTITIONS)
    target = await new_topic(kafka.bootstrap, PARTITIONS)
    values = {
        p: [b'{"n": %d, "value": %d}' % (n, n * 10 + p) for n in range(EACH)]
        for p in range(PARTITIONS)
    }
    await write(kafka.bootstrap, source, values)
    return Case(kafka, source, target)


def is_exact(output: list[Record]) -> bool:
    seen = [(r.partition, json.loads(r.value or b"")) for r in output]
    return seen == [
        (p, {"n": n, "value": 2 * (n * 10 + p)}) for p in range(PARTITIONS) for n in range(EACH)
    ]


async def freeze_in_transaction(made: Case, child: Child) -> None:
    """Stop a process in an open transaction: one that was open just now may have ended since."""

    async def frozen() -> bool:
        if not await made.in_transaction():
            return False
        child.process.send_signal(signal.SIGSTOP)
        if await made.in_transaction():
            return True
        child.process.send_signal(signal.SIGCONT)
        return False

    await until(frozen, LONG, "frozen in a transaction", 0.2)


async def finish(made: Case) -> None:
    with made.running() as child:
        await committed_is(
            made.kafka.bootstrap, made.group, made.source, dict.fromkeys(range(PARTITIONS), EACH)
        )
        assert await child.ended(signal.SIGTERM) == 0, child.log

    async def readable() -> bool:
        return not await made.in_transaction()

    # The group's offsets may have their markers before the target has its own.
    await until(readable, LONG, "readable")


async def test_an_error_in_the_middle_leaves_nothing_to_be_seen(kafka: Kafka) -> None:
    made = await case(kafka)
    with made.running(fail_at=30) as child:
        assert await child.ended() == 1
        assert "RuntimeError: made to fail" in child.log
    assert await made.written() > 30
    assert await made.output() == []
    assert await committed(kafka.bootstrap, made.group) == {}
    await finish(made)
    assert is_exact(await made.output())


async def test_after_kill_9_in_open_transactions_the_output_is_exact(kafka: Kafka) -> None:
    made = await case(kafka)
    for _ in range(3):
        with made.running(seconds=SLOW) as child:
            await freeze_in_transaction(made, child)
            child.kill()
        await made.bury()
    await finish(made)
    assert is_exact(await made.output())


async def test_a_frozen_process_is_fenced_by_its_heir(kafka: Kafka) -> None:
    """Frozen in an open transaction; when it wakes, the heir has done everything."""
    made = await case(kafka)
    with made.running(seconds=SLOW) as zombie:
        await freeze_in_transaction(made, zombie)
        await made.bury()
        await finish(made)
        zombie.process.send_signal(signal.SIGCONT)
        assert await zombie.ended() == 1
        assert "Fenced" in zombie.log
    assert is_exact(await made.output())


def test_the_example_is_typed() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "mypy", str(EXAMPLE)], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout
