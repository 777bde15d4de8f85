"""The fast path: records packed into batches by partition, in order, in bounded memory."""

import asyncio
from typing import Any, Final

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError, KafkaTimeoutError

from app.cluster import Broker
from app.producer.errors import BadEventError, RefusedError, UnacknowledgedError
from app.producer.partitioners import Partitioner, by_key, checked

BATCH_BYTES: Final = 256 * 1024
LARGEST_RECORD: Final = 1024 * 1024 - 1024
"""Kafka's default `max.message.bytes`, less what a batch adds."""
_KEYS_REMEMBERED: Final = 500_000


class TopicLane:
    """One topic's batches being filled, one per partition.

    `put` is plain, not async, since it is called for every record; a batch that is full is
    handed to the `BulkSender`, whose `drain` must then be awaited.
    """

    def __init__(
        self, sender: "BulkSender", topic: str, partitions: int, partitioner: Partitioner
    ) -> None:
        """Fill batches for `topic`, which has so many partitions."""
        self.topic = topic
        self._sender = sender
        self._partitions = partitions
        self._partitioner = partitioner
        self._places: dict[bytes | None, int] = {}
        self._batches: list[Any] = [sender.new_batch() for _ in range(partitions)]

    def partition_of(self, key: bytes | None) -> int:
        """Return the partition for a key; raises `BadEventError` if there is none for it."""
        if self._partitioner is not by_key:
            return checked(self._partitioner, key, self._partitions)
        partition = self._places.get(key)
        if partition is None:
            if len(self._places) >= _KEYS_REMEMBERED:
                self._places.clear()
            partition = self._places[key] = by_key(key, self._partitions)
        return partition

    def put(self, key: bytes | None, value: bytes, timestamp_ms: int | None = None) -> bool:
        """Add a record behind all earlier ones of its partition.

        Returns whether a batch became full, so that `drain` must be awaited. `timestamp_ms` is
        the Kafka timestamp, by default the time of this call. Raises `BadEventError` for a
        record that cannot be sent.
        """
        check_size(key, value)
        partition = self.partition_of(key)
        batch = self._batches[partition]
        if batch.append(timestamp=timestamp_ms, key=key, value=value) is not None:
            return False
        self._sender.full.append((self, partition, batch))
        batch = self._batches[partition] = self._sender.new_batch()
        batch.append(timestamp=timestamp_ms, key=key, value=value)
        return True

    def close_partial(self, only: int | None = None) -> None:
        """Hand over the batches that are not full, or that of one partition."""
        for partition in range(self._partitions) if only is None else (only,):
            batch = self._batches[partition]
            if batch.record_count():
                batch.close()
                self._sender.full.append((self, partition, batch))
                self._batches[partition] = self._sender.new_batch()


def check_size(key: bytes | None, value: bytes) -> None:
    """Raise `BadEventError` for a record that is larger than a broker takes by default."""
    size = len(value) + len(key or b"")
    if size > LARGEST_RECORD:
        raise BadEventError(f"record of {size} bytes; at most {LARGEST_RECORD} can be sent")


class BulkSender:
    """Sends the lanes' full batches and keeps count of what the broker acknowledged.

    At most one batch per partition is being filled, one waits and one is in flight, which
    bounds the memory. One batch of a partition in flight also keeps the order.
    """

    def __init__(self, client: AIOKafkaProducer, broker: Broker, timeout: float) -> None:
        """Send through `client`; give up after `timeout` seconds without an acknowledgement."""
        self.full: list[tuple[TopicLane, int, Any]] = []
        self.acknowledged = 0
        self.offsets: dict[tuple[str, int], tuple[int, int]] = {}
        self._client = client
        self._broker = broker
        self._timeout = timeout
        self._unacknowledged: set[asyncio.Future[Any]] = set()
        self._lanes: dict[str, TopicLane] = {}
        self._error: Exception | None = None
        self._draining = asyncio.Lock()

    def new_batch(self) -> Any:  # noqa: ANN401 (aiokafka is untyped)
        """Return an empty aiokafka `BatchBuilder`."""
        return self._client.create_batch()

    def lane(self, topic: str) -> TopicLane | None:
        """Return the lane of a topic, if it was added."""
        return self._lanes.get(topic)

    def add_lane(self, topic: str, partitions: int, partitioner: Partitioner) -> TopicLane:
        """Return the lane of a topic, made at the first call."""
        lane = self._lanes.get(topic)
        if lane is None:
            lane = self._lanes[topic] = TopicLane(self, topic, partitions, partitioner)
        return lane

    async def drain(self) -> None:
        """Queue the full batches, waiting while the broker is behind.

        Raises `RefusedError` or `UnacknowledgedError`; after it, nothing more can be sent.
        """
        self._raise_error()
        self._keep_step()
        async with self._draining:
            while self.full:
                lane, partition, batch = self.full[0]
                await self._queue(lane.topic, partition, batch)
                del self.full[0]
        self._raise_error()

    def _keep_step(self) -> None:
        """Send what other topics have for the partitions whose batches are full.

        Else a busy topic runs hours of event time ahead of a quiet one in the same partition, and
        whoever reads both while they are written finds the quiet one's events late.
        """
        for partition in {partition for _, partition, _ in self.full}:
            for lane in self._lanes.values():
                lane.close_partial(partition)

    async def send_partial(self) -> None:
        """Queue everything that was put so far, without waiting for acknowledgements."""
        for lane in self._lanes.values():
            lane.close_partial()
        await self.drain()

    async def flush(self) -> None:
        """Send everything that was put so far and wait until all of it is acknowledged.

        Raises as `drain` does.
        """
        await self.send_partial()
        while self._unacknowledged:
            done, _ = await asyncio.wait(
                self._unacknowledged,
                timeout=self._timeout,
                return_when=asyncio.FIRST_COMPLETED,
            )
            if not done:
                raise self._silence()
        self._raise_error()

    async def _queue(self, topic: str, partition: int, batch: Any) -> None:  # noqa: ANN401
        records = batch.record_count()
        try:
            async with asyncio.timeout(self._timeout):
                future = await self._offer(topic, partition, batch)
        except TimeoutError:
            raise self._silence() from None
        except KafkaError as error:
            self._error = self._error or refusal(topic, error)
            raise self._error from None

        def settle(done: asyncio.Future[Any]) -> None:
            self._unacknowledged.discard(done)
            self._settle(topic, partition, records, done)

        self._unacknowledged.add(future)
        future.add_done_callback(settle)

    async def _offer(self, topic: str, partition: int, batch: Any) -> "asyncio.Future[Any]":  # noqa: ANN401
        while True:
            try:
                future: asyncio.Future[Any] = await self._client.send_batch(
                    batch, topic, partition=partition
                )
            except KafkaTimeoutError:
                # aiokafka's own limit on waiting for a place; the batch was not taken.
                self._raise_error()
                continue
            return future

    def _settle(self, topic: str, partition: int, records: int, done: asyncio.Future[Any]) -> None:
        if done.cancelled():
            return
        error = done.exception()
        if error is not None:
            if self._error is None:
                self._error = refusal(topic, error)
            return
        self.acknowledged += records
        base: int = done.result().offset
        first, _ = self.offsets.get((topic, partition), (base, base))
        self.offsets[topic, partition] = (first, base + records - 1)

    def _raise_error(self) -> None:
        if self._error is not None:
            raise self._error

    def _silence(self) -> UnacknowledgedError:
        self._error = error = UnacknowledgedError(
            f"{self._broker} has acknowledged nothing for {self._timeout:g} s; "
            f"{self.acknowledged} records were acknowledged before; is the broker running?"
        )
        return error


def refusal(topic: str, error: BaseException) -> RefusedError:
    """Say in one line why the broker did not take records for `topic`."""
    name = type(error).__name__.removesuffix("Error")
    reason = getattr(error, "description", None) or str(error) or "no reason given"
    return RefusedError(f"the broker refused records for {topic}: {name}: {reason}")
