"""Where a record goes that a handler failed on for good (contract, section 2)."""

import asyncio
import time

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError, MessageSizeTooLargeError, RecordTooLargeError

from app.cluster import Broker, Cluster
from app.consumer.errors import DeadLetterError
from app.consumer.message import Message
from models.dead_letters import (
    ErrorType,
    Headers,
    Rejected,
    dead_letter_headers,
    replaced_value_headers,
)

_REQUEST_BYTES = 16 * 1024 * 1024
"""Of a letter at most: a broker hangs up on far larger requests, instead of refusing them."""
_TOO_LARGE = (MessageSizeTooLargeError, RecordTooLargeError)


class DeadLetterTopic:
    """Writes dead letters, each acknowledged by all replicas before `send` returns."""

    def __init__(self, broker: Broker, topic: str, partitions: int, timeout: float) -> None:
        """`partitions` of the topic; `timeout` seconds for connecting and for each letter."""
        self._broker = broker
        self._topic = topic
        self._partitions = partitions
        self._timeout = timeout
        self._producer: AIOKafkaProducer | None = None
        self._lock = asyncio.Lock()

    async def send(self, message: Message, reason: str) -> None:
        """Write a record's dead letter: value and key unchanged, the seven headers added.

        A value that the broker refuses is replaced by null, its size and SHA-256 (contract 5).
        `reason` must hold nothing of the record. Raises DeadLetterError.
        """
        rejected = Rejected(ErrorType.HANDLER, reason, message)
        headers = dead_letter_headers(rejected, int(time.time() * 1000))
        try:
            async with self._lock, asyncio.timeout(self._timeout):
                try:
                    await self._write(message, message.value, headers)
                except _TOO_LARGE:
                    await self.close()
                    replaced = replaced_value_headers(message.value or b"")
                    await self._write(message, None, [*headers, *replaced])
        except (KafkaError, OSError, TimeoutError) as error:
            raise DeadLetterError(
                f"the dead letter of {message.topic} partition {message.partition} offset "
                f"{message.offset} could not be written to {self._topic} "
                f"({type(error).__name__}); its offset is not committed"
            ) from error

    async def _write(self, message: Message, value: bytes | None, headers: Headers) -> None:
        if self._producer is None:
            producer = AIOKafkaProducer(
                **Cluster.of(self._broker).arguments(),
                acks="all",
                enable_idempotence=True,
            )
            try:
                await producer.start()
            except BaseException:
                await producer.stop()
                raise
            self._producer = producer
        # Not `send`, which refuses a record of null and null.
        batch = self._producer.create_batch()
        batch.append(timestamp=None, key=message.key, value=value, headers=headers)
        if batch.size() > _REQUEST_BYTES:
            raise MessageSizeTooLargeError(f"a letter of {batch.size()} bytes")
        partition = message.partition % self._partitions
        await (await self._producer.send_batch(batch, self._topic, partition=partition))

    async def close(self) -> None:
        """Disconnect; the next letter connects again."""
        producer, self._producer = self._producer, None
        if producer is not None:
            await producer.stop()
