"""The connection to Kafka below `EventProducer`: connect, ask, renew, disconnect, all bounded."""

import asyncio
from typing import Final, NamedTuple

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from app.cluster import Broker, Cluster, cannot_connect
from app.producer.bulk import BATCH_BYTES, BulkSender
from app.producer.errors import (
    BrokerUnreachableError,
    ProduceError,
    TopicMissingError,
    UnacknowledgedError,
)

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
    """One idempotent aiokafka producer and the bulk sender on it."""

    def __init__(self, broker: Broker, compression: str | None, limits: Limits) -> None:
        """Nothing is connected before `start`."""
        self.broker = broker
        self._compression = compression
        self._limits = limits
        self._client: AIOKafkaProducer | None = None
        self._bulk: BulkSender | None = None

    @property
    def is_open(self) -> bool:
        """Whether it was started and not closed."""
        return self._client is not None

    @property
    def client(self) -> AIOKafkaProducer:
        """The aiokafka producer; `ProduceError` when there is none."""
        if self._client is None:
            raise ProduceError(_CLOSED)
        return self._client

    @property
    def bulk(self) -> BulkSender:
        """The sender of full batches; `ProduceError` when there is none."""
        if self._bulk is None:
            raise ProduceError(_CLOSED)
        return self._bulk

    async def start(self) -> None:
        """Connect and get a producer id. Raises `BrokerUnreachableError`."""
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
        self._client = client
        self._bulk = BulkSender(client, self.broker, self._limits.delivery)

    async def stop(self) -> None:
        """Disconnect, even from a broker that is gone; what is not sent by then is lost."""
        client, self._client, self._bulk = self._client, None, None
        if client is None:
            return
        try:
            async with asyncio.timeout(self._limits.close):
                await client.stop()
        except TimeoutError:
            await client._sender.close()
            await client.client.close()

    async def renew(self) -> None:
        """Connect again with a new producer id.

        A refused batch leaves a gap in the sequence numbers, after which the broker takes
        nothing more from the old id for that partition.
        """
        await self.stop()
        await self.start()

    async def partitions(self, topic: str) -> int:
        """Return the number of partitions of a topic.

        It asks for all topics, since asking for one by name could create it. Raises
        `TopicMissingError` or `UnacknowledgedError`.
        """
        client = self.client
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
