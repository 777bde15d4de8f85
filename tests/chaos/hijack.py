"""A foreign producer with a worker's transactional id, as a deployment by mistake would have it.

Kafka fences the worker: its next commit must fail, and it must go through its acquisition. That
fences the hijacker in turn.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError, ProducerFenced


@dataclass(slots=True)
class Hijacked:
    """What became of it. `producer_id`, `epoch`: what the broker gave.

    `fenced`: whether the true owner had come back by the end, None before that, and None where
    no transaction was open to find it out with.
    """

    producer_id: int
    epoch: int
    fenced: bool | None = None


@asynccontextmanager
async def hijack(
    bootstrap: str, transactional_id: str, topic: str | None = None, partition: int = 0
) -> AsyncIterator[Hijacked]:
    """Call InitProducerId with `transactional_id`, and keep the producer for the block.

    With `topic`, a transaction is open meanwhile that has written one record there, and is
    aborted at the end, by the hijacker or by the owner. Its timeout is a minute: until one of
    them acts, read_committed readers of the partition stand still.
    """
    producer = AIOKafkaProducer(
        bootstrap_servers=bootstrap,
        client_id="hijacker",
        transactional_id=transactional_id,
        transaction_timeout_ms=60_000,
    )
    await producer.start()
    try:
        manager = producer._txn_manager
        hijacked = Hijacked(manager.producer_id, manager.producer_epoch)
        if topic is not None:
            await producer.begin_transaction()
            await producer.send_and_wait(topic, b"hijacked", b"hijacked", partition)
        yield hijacked
        if topic is not None:
            hijacked.fenced = await _aborted_by_owner(producer)
    finally:
        await _stop(producer)


async def _aborted_by_owner(producer: AIOKafkaProducer) -> bool:
    try:
        await producer.abort_transaction()
    except ProducerFenced:
        return True
    return False


async def _stop(producer: AIOKafkaProducer) -> None:
    try:
        await producer.stop()
    except KafkaError:  # A fenced producer says so again when it is stopped.
        await producer.client.close()
