"""The whole real sample, written in another order than it happened, against the model."""

import random
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from app.producer.mirror import mirrored
from app.producer.sources import Reading, merged, open_sources
from models.topics import CLICKS, PURCHASES, USER_EVENTS
from tests.oracle.exact_numbers import partition_of
from tests.oracle.model import Model
from tests.oracle.records import LATE, committed_only
from tests.service.test_sample import FILES, views_differ
from tests.support.judged import compare
from tests.support.kafka import Kafka
from tests.support.service import Message, Service, lines
from tests.support.topics import committed

PARTITIONS = 4
SHIFTED, LATE_SHARE, FAR = 12, 0.03, 600
"""Records move by up to SHIFTED places, and some by up to FAR, a few hours of this shop."""


def shop_messages() -> Iterator[Message]:
    """Clicks, purchases and their mirrored user events, in the order in which they happened."""
    for _, number, _, key, value, _, _ in merged(open_sources(FILES), Reading()):
        topic = (CLICKS, PURCHASES)[number]
        partition = partition_of(key, PARTITIONS)
        yield topic.id, partition, key, value, None
        event = mirrored(topic, value)
        if event is not None:
            yield USER_EVENTS.id, partition, key, event, None


def disordered(messages: list[Message], seed: int) -> list[Message]:
    """Each record some places later than it was, a few much later."""
    dice = random.Random(seed)

    def place(number: int) -> float:
        far = dice.random() * FAR if dice.random() < LATE_SHARE else 0
        return number + dice.random() * SHIFTED + far

    order = sorted((place(number), number) for number in range(len(messages)))
    return [messages[number] for _, number in order]


async def test_disordered_and_late(kafka: Kafka, tmp_path: Path) -> None:
    service = await Service(kafka.bootstrap, PARTITIONS).create()
    messages = disordered(list(shop_messages()), 61)
    await service.send(messages)
    with service.worker(tmp_path) as worker:
        await service.at_rest()
        at = await committed(kafka.bootstrap, service.app_id)
        inputs = committed_only(await service.inputs(), at)
        assert len(inputs) == len(messages)
        expected = Model(inputs, service.oracle).run()
        differences = await views_differ(worker.url, expected, inputs, at)
        assert not differences, lines(differences)
        assert await worker.terminate() == 0, worker.text
    differences = await compare(service)
    assert not differences, lines(differences)
    late = Counter(record.header("late.for") for record in await service.output(LATE))
    assert min(late[name] for name in ("event-counts", "hopping-counts", "sessions")) > 100, late
    assert min(late[name] for name in ("enrichment", "revenue", "moving-average")) > 3, late
