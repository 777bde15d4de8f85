"""`EventProducer`: the public class for sending events to Kafka."""

import asyncio
import contextlib
import time
from collections.abc import Callable, Collection, Iterable
from types import TracebackType
from typing import Final, Self

from aiokafka.errors import KafkaTimeoutError

from app.cluster import Broker
from app.producer.bulk import TopicLane, check_size
from app.producer.connection import CONNECT_SECONDS, Connection, Limits
from app.producer.errors import (
    BadEventError,
    PartitionerRefusedError,
    ProduceError,
    RefusedError,
    UnacknowledgedError,
)
from app.producer.events import NO_KEY, read_head, to_json, utf8_key, with_timestamp
from app.producer.outcome import BatchResult, Compression, Event, Sent
from app.producer.partitioners import Partitioner, RoundRobin, by_key
from models.topics import TOPICS, Direction

KEYED_TOPICS: Final = frozenset(topic.id for topic in TOPICS if topic.direction is Direction.INPUT)


class EventProducer:
    """Sends events as JSON, keyed by user id, so that each is stored once and in order.

    acks=all and idempotent (KIP-98): a retry after a broker error neither doubles nor reorders
    records of a partition. Retriable errors are retried until the time-out. After a refusal the
    next call connects again, and may raise `BrokerUnreachableError`.

    An event is a mapping, or its JSON as bytes, which are sent as they are. A missing
    `timestamp` is set to now, in seconds. The key is the event's `user_id` as UTF-8 unless
    `key` is given. Use it as an async context manager; closing sends what is buffered.

    >>> async with EventProducer("127.0.0.1:9092", compression="lz4") as producer:
    ...     sent = await producer.send("clicks", {"user_id": "ann", "page": "/home"})
    ...     print(sent.partition, sent.offset)
    """

    def __init__(
        self,
        broker: Broker,
        *,
        compression: Compression = "none",
        partitioner: Partitioner = by_key,
        connect_timeout: float = CONNECT_SECONDS,
        send_timeout: float = 10.0,
        delivery_timeout: float = 60.0,
        keyed_topics: Collection[str] = KEYED_TOPICS,
        now: Callable[[], float] = time.time,
    ) -> None:
        """Set up; nothing is connected before `start`.

        `broker` is HOST:PORT, several with commas. `partitioner` is `by_key`, `round_robin`
        (refused for `keyed_topics`) or a function of (key, partitions). `connect_timeout` seconds
        bound connecting and each answer of the broker, `send_timeout` a `send` and disconnecting;
        `delivery_timeout` seconds without any acknowledgement end a batch or a flush. `now` gives
        the seconds for missing timestamps.
        """
        self.now = now
        self._partitioner = partitioner
        self._send_timeout = send_timeout
        self._keyed_topics = frozenset(keyed_topics)
        codec = None if compression == "none" else compression
        limits = Limits(connect_timeout, send_timeout, delivery_timeout)
        self._connection = Connection(broker, codec, limits)

    async def start(self) -> None:
        """Connect. Raises `BrokerUnreachableError` within `connect_timeout` seconds."""
        await self._connection.start()

    async def close(self) -> None:
        """Send what is buffered, wait until it is acknowledged, disconnect.

        Raises `UnacknowledgedError` or `RefusedError` if that fails; it is disconnected anyway.
        """
        if not self._connection.is_open:
            return
        try:
            await self._connection.flush()
        finally:
            await self._connection.stop()

    async def __aenter__(self) -> Self:
        """Connect, see `start`."""
        await self.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close, see `close`.

        After an error in the block what is buffered has `send_timeout` seconds, and the block's
        error is the one raised.
        """
        if error is None:
            await self.close()
            return
        with contextlib.suppress(ProduceError, TimeoutError):
            async with asyncio.timeout(self._send_timeout):
                await self.close()

    async def send(
        self,
        topic: str,
        value: Event,
        key: str | None = None,
        timestamp_ms: int | None = None,
    ) -> Sent:
        """Send one record and wait, at most `send_timeout` seconds, until it is stored.

        `timestamp_ms` is the Kafka timestamp, by default now. Raises `BadEventError`,
        `TopicMissingError`, `RefusedError`, or `UnacknowledgedError` after the time-out, when the
        record may still arrive, once. What was put stays buffered when it is refused.
        """
        key_bytes, data = self._encode(value, key)
        check_size(key_bytes, data)
        try:
            async with asyncio.timeout(self._send_timeout):
                lane = await self.lane(topic)
                partition = lane.partition_of(key_bytes)
                lane.close_partial(partition)
                await self.drain()
                offset = await self._connection.send(
                    topic, partition, key_bytes, data, timestamp_ms
                )
        except (TimeoutError, KafkaTimeoutError):
            raise UnacknowledgedError(
                f"{self._connection.broker} did not acknowledge a record for {topic} within "
                f"{self._send_timeout:g} s; it may still arrive; is the broker running?"
            ) from None
        return Sent(topic, partition, offset)

    async def put(
        self,
        topic: str,
        value: Event,
        key: str | None = None,
        timestamp_ms: int | None = None,
    ) -> None:
        """Buffer one record behind the earlier ones; it is sent when a batch is full.

        `flush` or `close` send the rest. Raises `BadEventError` for this record; errors of
        earlier ones are raised here, in `flush` or in `close`.
        """
        key_bytes, data = self._encode(value, key)
        lane = await self.lane(topic)
        if lane.put(key_bytes, data, timestamp_ms):
            await self.drain()

    async def send_batch(self, topic: str, events: Iterable[Event]) -> BatchResult:
        """Send many events, in order, and wait until all are stored.

        An event that cannot be sent is listed in the result and does not stop the rest.
        Raises `TopicMissingError`, `RefusedError` or `UnacknowledgedError`.
        """
        await self.flush()
        sender, bad = self._connection.bulk, list[tuple[int, str]]()
        before = sender.acknowledged
        sender.offsets.clear()
        for index, event in enumerate(events):
            try:
                await self.put(topic, event)
            except BadEventError as error:
                bad.append((index, str(error)))
            except RefusedError:
                await self.flush()
                raise
        await self.flush()
        offsets = {at: ends for (name, at), ends in sender.offsets.items() if name == topic}
        return BatchResult(sender.acknowledged - before, offsets, bad)

    async def flush(self) -> None:
        """Send what is buffered and wait until all of it is stored.

        Raises `RefusedError` when something was refused and all else is stored, and
        `UnacknowledgedError`, after which nothing more can be sent. What stood behind a refused
        record in its partition may be refused with it.
        """
        await self._connection.flush()

    async def lane(self, topic: str) -> TopicLane:
        """Return the fast path to a topic: `put` takes key and value as bytes, unchecked.

        Await `drain` whenever `put` returns true, and `flush` at the end. Raises
        `TopicMissingError`, and `PartitionerRefusedError` for `round_robin` on a keyed topic.
        """
        sender = self._connection.bulk
        known = sender.lane(topic)
        if known is not None:
            return known
        partitioner = self._partitioner
        if isinstance(partitioner, RoundRobin):
            if topic in self._keyed_topics:
                raise PartitionerRefusedError(
                    f"round_robin would spread one user's events over the partitions of {topic}, "
                    "where they must meet in one; use by_key"
                )
            partitioner = RoundRobin()
        return sender.add_lane(topic, await self._connection.partitions(topic), partitioner)

    @property
    def acknowledged(self) -> int:
        """Records that the broker has acknowledged of those put (not of `send`)."""
        return self._connection.bulk.acknowledged

    async def drain(self) -> None:
        """Send the full batches of the lanes, waiting while the broker is behind."""
        await self._connection.drain()

    async def send_partial(self) -> None:
        """Send all that was put into lanes, without waiting for acknowledgements."""
        self._connection.bulk.close_partial()
        await self._connection.drain()

    def _encode(self, value: Event, key: str | None) -> tuple[bytes, bytes]:
        if isinstance(value, bytes):
            data = value
            head = read_head(data)
            if not head.stamped:
                data = with_timestamp(data, self.stamp())
        else:
            stamped = value if "timestamp" in value else {**value, "timestamp": self.stamp()}
            data = to_json(stamped)
            head = read_head(data)
        key_bytes = head.key if key is None else utf8_key(key)
        if key_bytes is None:
            raise BadEventError(NO_KEY)
        return key_bytes, data

    def stamp(self) -> float:
        """Return what is written for a missing `timestamp`: now, in seconds to the ms."""
        return round(self.now(), 3)
