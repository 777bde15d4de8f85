"""One dead letter, by its place."""

import asyncio

from aiokafka import TopicPartition
from aiokafka.errors import KafkaError

from app.connections import reader
from app.consumer import Message
from app.consumer.connection import partition_counts
from app.errors import UserError
from app.letters.find import Letter
from app.settings import Settings
from models.topics import DEAD_LETTERS


async def letter_at(settings: Settings, partition: int, offset: int) -> Letter:
    """Read the letter that lies there. Raises UserError: there is none, or no broker."""
    name = settings.catalogue().name(DEAD_LETTERS)
    counts = await partition_counts(settings.cluster, [name])
    place = TopicPartition(name, partition)
    nothing = UserError(f"no dead letter lies at {partition}@{offset}; see dead-letters list")
    if partition >= counts[name]:
        raise nothing
    try:
        async with asyncio.timeout(settings.cluster.question_timeout), reader(settings) as consumer:
            consumer.assign([place])
            first = (await consumer.beginning_offsets([place]))[place]
            if not first <= offset < (await consumer.end_offsets([place]))[place]:
                raise nothing
            consumer.seek(place, offset)
            while await consumer.position(place) <= offset:
                for r in (await consumer.getmany(timeout_ms=200, max_records=1)).get(place, []):
                    if r.offset == offset:
                        found = (r.topic, r.partition, r.offset, r.timestamp, r.key, r.value)
                        return Letter.of(Message(*found, r.headers, 0))
                    raise nothing
    except (KafkaError, OSError, TimeoutError) as error:
        raise UserError(f"cannot read {name}: {type(error).__name__}") from error
    raise nothing
