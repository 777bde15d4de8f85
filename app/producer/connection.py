"""The connection to Kafka below `EventProducer`: connect, ask, send, disconnect, all bounded."""

import asyncio
import contextlib
from typing import Final, NamedTuple

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError, KafkaTimeoutError, ProducerClosed

from app.cluster import Broker, Cluster, cannot_connect
from app.producer.bulk import BATCH_BYTES, BulkSender
from app.producer.errors import (
    BrokerUnreachableError,
    ProduceError,
    TopicMissingError,
    UnacknowledgedError,
)
from app.producer.refusals import refusal

CONNECT_SECONDS: Final = 15.0
"""Default bound of connecting: a broker that has just started is slow with its first producer."""
_REQUEST_BYTES: Final = 2 * 1024 * 1024
_CLOSED: Final = "the producer is not started or already closed"


class Limits(NamedTuple):
    """Seconds: `connect` bounds connecting and each answer of the broker, `close` disconnecting.

    `delivery` without any acknowledgement end bulk sending.
    """

    connect: float
    close: float
    delivery: float


class Connection:
    """One idempotent aiokafka producer at a time, and the bulk sender that outlives it.

    A refused batch leaves a gap in the sequence numbers, after which the broker takes nothing more
    from the old producer id for that partition. So the producer is discarded, and whoever sends
    next connects again; what was only buffered is then sent by the new one.
    """

    def __init__(self, broker: Broker, compression: str | None, limits: Limits) -> None:
        """Nothing is connected before `start`."""
        self.broker = broker
        self._compression = compression
        self._limits = limits
        self._lock = asyncio.Lock()
        self._client: AIOKafkaProducer | None = None
        self._discarded = False
        self._bulk: BulkSender | None = None

    @property
    def is_open(self) -> bool:
        """Whether it was started and not closed."""
        return self._bulk is not None

    @property
    def bulk(self) -> BulkSender:
        """The sender of full batches; `ProduceError` when there is none."""
        if self._bulk is None:
            raise ProduceError(_CLOSED)
        return self._bulk

    async def start(self) -> None:
        """Connect and get a producer id. Raises `BrokerUnreachableError`."""
        client = self._client = await self._connected()
        self._bulk = BulkSender(
            client.create_batch, self._discard, self.broker, self._limits.delivery
        )

    async def stop(self) -> None:
        """Disconnect, even from a broker that is gone; what is not sent by then is lost."""
        async with self._lock:
            self._bulk = None
            await self._disconnect()

    async def send(
        self, topic: str, partition: int, key: bytes, value: bytes, timestamp_ms: int | None
    ) -> int:
        """Send one record and return its offset once it is stored.

        Raises `RefusedError`, or `KafkaTimeoutError` for a record that was not sent.
        """
        while True:
            client = await self._ready_for(topic)
            try:
                future = await client.send(topic, value, key, partition, timestamp_ms)
                offset: int = (await future).offset
            except ProducerClosed:
                # It was discarded meanwhile, and has not taken the record.
                continue
            except KafkaTimeoutError:
                raise
            except KafkaError as error:
                self._discard(client)
                raise refusal(topic, error) from None
            return offset

    async def drain(self) -> None:
        """Queue the full batches, waiting while the broker is behind.

        Raises `RefusedError` until `flush` has raised it, or `UnacknowledgedError`, after which
        nothing more can be sent.
        """
        bulk = self.bulk
        bulk.raise_error()
        await self._queue_full(bulk)
        bulk.raise_error()

    async def flush(self) -> None:
        """Send everything that was put so far and wait until all of it is stored or refused.

        Raises as `drain` does.
        """
        bulk = self.bulk
        bulk.raise_silence()
        since = bulk.refusals.reported
        bulk.close_partial()
        await self._queue_full(bulk)
        await bulk.settled()
        bulk.refusals.report(since)

    async def _queue_full(self, bulk: BulkSender) -> None:
        bulk.keep_step()
        async with self._lock:
            while bulk.full:
                await bulk.queue_first(await self._live())

    async def _ready_for(self, topic: str) -> AIOKafkaProducer:
        """Return the producer once it knows the topic, so that sending need not wait for that."""
        async with self._lock:
            client = await self._live()
            try:
                await client.partitions_for(topic)
            except KafkaError as error:
                raise refusal(topic, error) from None
            return client

    def _discard(self, client: AIOKafkaProducer) -> None:
        """Have the next to send connect again, unless another has since."""
        if client is self._client:
            self._discarded = True

    async def _live(self) -> AIOKafkaProducer:
        """Return the producer, a new one after a refusal; the lock is held meanwhile."""
        if self._bulk is None:
            raise ProduceError(_CLOSED)
        if self._discarded:
            await self._disconnect()
        if self._client is None:
            self._client = await self._connected()
        return self._client

    async def _connected(self) -> AIOKafkaProducer:
        try:
            client = AIOKafkaProducer(
                **Cluster.of(self.broker).arguments(),
                acks="all",
                enable_idempotence=True,
                compression_type=self._compression,
                max_batch_size=BATCH_BYTES,
                max_request_size=_REQUEST_BYTES,
                request_timeout_ms=int(self._limits.connect * 1000),
            )
        except ValueError as error:
            raise ProduceError(f"cannot produce to {self.broker}: {error}") from error
        try:
            async with asyncio.timeout(self._limits.connect):
                await client.start()
        except (KafkaError, OSError, TimeoutError) as error:
            await client.stop()
            raise BrokerUnreachableError(await cannot_connect(self.broker)) from error
        except BaseException:
            await client.stop()
            raise
        # Else a batch older than one request's time-out is given up, whatever its own bound is,
        # in the moment in which a restarted broker knows no leader for its partition.
        client._message_accumulator._batch_ttl = self._limits.delivery
        return client

    async def _disconnect(self) -> None:
        client, self._client, self._discarded = self._client, None, False
        if client is None:
            return
        stopped = False
        try:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._limits.close):
                    await client.stop()
                    stopped = True
        finally:
            # Also when cancelled: a producer whose stopping was begun cannot be stopped again.
            if not stopped:
                await client._sender.close()
                await client.client.close()

    async def partitions(self, topic: str) -> int:
        """Return the number of partitions of a topic.

        It asks for all topics, since asking for one by name could create it. Raises
        `TopicMissingError` or `UnacknowledgedError`.
        """
        async with self._lock:
            client = await self._live()
            try:
                async with asyncio.timeout(self._limits.connect):
                    cluster = await client.client.fetch_all_metadata()
                    if topic not in cluster.topics():
                        raise TopicMissingError(
                            f"topic {topic} does not exist at {self.broker}; "
                            f"create it: streamjoin topics create --broker {self.broker}"
                        )
                    return len(await client.partitions_for(topic))
            except (TimeoutError, KafkaError) as error:
                raise UnacknowledgedError(
                    f"{self.broker} does not answer about {topic}; is the broker running?"
                ) from error
