"""Dead letters as workers write them, and what a replay made of them."""

from collections.abc import Sequence

from aiokafka import AIOKafkaProducer

from app.consumer import Message
from models.dead_letters import (
    ErrorType,
    Rejected,
    dead_letter_headers,
    replaced_value_headers,
)
from tests.oracle.records import Record
from tests.support.service import Service

FAILED = 1_700_000_000_000


def source(service: Service, offset: int, topic: str | None = None, partition: int = 0) -> Message:
    name, value = topic or service.names["clicks"], b'{"n":%d}' % offset
    return Message(name, partition, offset, FAILED, b"ann", value, [], 0)


async def bury(
    service: Service, sources: Sequence[Message], error: ErrorType, failed_at: int = FAILED
) -> None:
    """Write dead letters, of any size; a null that is too large stands for a value."""
    async with AIOKafkaProducer(bootstrap_servers=service.bootstrap) as producer:
        for record in sources:
            headers = dead_letter_headers(Rejected(error, "because", record), failed_at)
            if record.value is None and error is ErrorType.TOO_LARGE:
                headers += replaced_value_headers(b"large")
            batch = producer.create_batch()
            batch.append(timestamp=None, key=record.key, value=record.value, headers=headers)
            name, partition = service.names["dead-letters"], record.partition
            await (await producer.send_batch(batch, name, partition=partition))


def origins(records: Sequence[Record]) -> list[str | None]:
    """Which letters they are replays of."""
    return [record.header("replay.of") for record in records if record.header("replay.of")]
