"""Without transactions the steps of a commit come one after the other, each acknowledged.

The broker refuses one of them here; what stands behind it must not have been written.
"""

import asyncio
from collections.abc import Mapping
from pathlib import Path

import pytest
from aiokafka import AIOKafkaProducer, TopicPartition

from app.broker import EmbeddedBroker
from app.engine.errors import LostError, StateError
from app.engine.writer import PlainWriter
from models.outputs import Output
from tests.producer.support import new_topic
from tests.support.kafka import Kafka
from tests.support.ports import held_port
from tests.support.topics import ends, until

TINY = {"max.message.bytes": "200"}
LARGE = b"x" * 5000


class Steps:
    """A writer on topics of its own, of which one refuses what is large."""

    def __init__(
        self,
        kafka: Kafka,
        output: str,
        changelog: str,
        *,
        offsets_first: bool,
        seconds: float = 60.0,
    ) -> None:
        self._kafka, self.output, self.changelog = kafka, output, changelog
        self.offsets: list[Mapping[TopicPartition, int]] = []
        place = TopicPartition(changelog, 0)
        self.producers: list[AIOKafkaProducer] = []

        def made(seconds: float) -> PlainWriter:
            return PlainWriter(
                self._producer, place, 1, seconds, self._commit, offsets_first=offsets_first
            )

        self.made = made
        self.writer = made(seconds)

    def _producer(self, _: str | None) -> AIOKafkaProducer:
        made = AIOKafkaProducer(
            bootstrap_servers=self._kafka.bootstrap, enable_idempotence=True, acks="all"
        )
        self.producers.append(made)
        return made

    async def _commit(self, offsets: Mapping[TopicPartition, int]) -> None:
        self.offsets.append(offsets)

    async def refused(self) -> dict[str, int]:
        """Commit a row and an output; how many records each topic has after the refusal."""
        await self.writer.open()
        try:
            with pytest.raises(StateError, match="the broker refuses a record"):
                await self.writer.commit(
                    [(b"row", LARGE), (b"metadata", b"")],
                    [Output(self.output, 0, b"key", LARGE, None, [])],
                    {TopicPartition("source", 0): 1},
                )
        finally:
            await self.writer.close()
        found = await ends(self._kafka.bootstrap, [self.output, self.changelog], 1)
        return {"output": found[self.output, 0], "state": found[self.changelog, 0]}


async def test_at_least_once_writes_no_state_before_its_outputs(kafka: Kafka) -> None:
    output = await new_topic(kafka.bootstrap, 1, TINY)
    steps = Steps(kafka, output, await new_topic(kafka.bootstrap, 1), offsets_first=False)
    assert await steps.refused() == {"output": 0, "state": 0}
    assert steps.offsets == []


async def test_at_least_once_commits_no_offset_before_its_state(kafka: Kafka) -> None:
    changelog = await new_topic(kafka.bootstrap, 1, TINY)
    steps = Steps(kafka, await new_topic(kafka.bootstrap, 1), changelog, offsets_first=False)
    assert await steps.refused() == {"output": 1, "state": 0}
    assert steps.offsets == []


async def test_at_most_once_writes_no_output_before_its_state(kafka: Kafka) -> None:
    changelog = await new_topic(kafka.bootstrap, 1, TINY)
    steps = Steps(kafka, await new_topic(kafka.bootstrap, 1), changelog, offsets_first=True)
    assert await steps.refused() == {"output": 0, "state": 0}
    assert len(steps.offsets) == 1


@pytest.mark.parametrize("cancelled", [False, True])
async def test_a_writer_that_is_given_up_sends_no_more(tmp_path: Path, cancelled: bool) -> None:
    """Its rows would come after those of the next one, and the changelog's newest would be old."""
    with held_port() as port:
        broker = EmbeddedBroker(tmp_path / "broker", port)
        kafka = Kafka(broker.start().bootstrap, broker)
        try:
            await given_up(kafka, cancelled=cancelled)
        finally:
            broker.stop()


async def given_up(kafka: Kafka, *, cancelled: bool) -> None:
    """`cancelled`: who gives it up is told to stop in the midst of it."""
    output, changelog = [await new_topic(kafka.bootstrap, 1) for _ in range(2)]
    steps = Steps(kafka, output, changelog, offsets_first=False, seconds=1.0)
    await steps.writer.open()
    kafka.broker.kill()
    with pytest.raises(LostError):
        await steps.writer.commit([(b"row", b"old"), (b"metadata", b"")], [], {})
    closing = asyncio.create_task(steps.writer.close())
    if cancelled:
        await asyncio.sleep(0.2)
        closing.cancel()
    await asyncio.wait([closing])
    assert closing.cancelled() is cancelled
    [first] = steps.producers

    async def ended() -> bool:
        return bool(first._sender.sender_task.done())

    await until(ended, 60, "the end of the first one's sender")
    kafka.broker.start()
    steps.writer = steps.made(60.0)
    await steps.writer.open()
    await steps.writer.commit([(b"metadata", b"")], [], {})
    await steps.writer.close()
    assert await ends(kafka.bootstrap, [changelog], 1) == {(changelog, 0): 1}
