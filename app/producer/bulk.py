"""The fast path: records packed into batches by partition, in order, in bounded memory."""

import asyncio
import contextlib
from collections.abc import Callable
from typing import Any, Final

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError, KafkaTimeoutError

from app.cluster import Broker
from app.producer.errors import BadEventError, UnacknowledgedError
from app.producer.partitioners import Partitioner, by_key, checked
from app.producer.refusals import Refusals

BATCH_BYTES: Final = 256 * 1024
LARGEST_RECORD: Final = 1024 * 1024 - 1024
"""Kafka's default `max.message.bytes`, less what a batch adds."""
_KEYS_REMEMBERED: Final = 500_000


class TopicLane:
    """One topic's batches being filled, one per partition.

    `put` is plain, not async, since it is called for every record; a batch that is full is
    handed to the `BulkSender`, and the producer's `drain` must then be awaited.
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
    """Keeps the lanes and their full batches, queues these, and counts what the broker stored.

    At most one batch per partition is being filled, one waits and one is in flight, which
    bounds the memory. One batch of a partition in flight also keeps the order. It outlives the
    clients that it queues with: a batch belongs to none before it is queued.
    """

    def __init__(
        self,
        new_batch: Callable[[], Any],
        discard: Callable[[AIOKafkaProducer], None],
        broker: Broker,
        timeout: float,
    ) -> None:
        """Fill what `new_batch` makes; `discard` is told the client of a batch that is refused.

        Give up after `timeout` seconds without an acknowledgement.
        """
        self.full: list[tuple[TopicLane, int, Any]] = []
        self.new_batch = new_batch
        self.acknowledged = 0
        self.offsets: dict[tuple[str, int], tuple[int, int]] = {}
        self.refusals = Refusals()
        self._discard = discard
        self._broker = broker
        self._timeout = timeout
        self._unacknowledged: set[asyncio.Future[Any]] = set()
        self._lanes: dict[str, TopicLane] = {}
        self._silent: UnacknowledgedError | None = None

    def lane(self, topic: str) -> TopicLane | None:
        """Return the lane of a topic, if it was added."""
        return self._lanes.get(topic)

    def add_lane(self, topic: str, partitions: int, partitioner: Partitioner) -> TopicLane:
        """Return the lane of a topic, made at the first call."""
        lane = self._lanes.get(topic)
        if lane is None:
            lane = self._lanes[topic] = TopicLane(self, topic, partitions, partitioner)
        return lane

    def keep_step(self) -> None:
        """Add what other topics have for the partitions whose batches are full.

        Else a busy topic runs hours of event time ahead of a quiet one in the same partition, and
        whoever reads both while they are written finds the quiet one's events late.
        """
        for partition in {partition for _, partition, _ in self.full}:
            for lane in self._lanes.values():
                lane.close_partial(partition)

    def close_partial(self) -> None:
        """Have everything that was put so far queued next, full batch or not."""
        for lane in self._lanes.values():
            lane.close_partial()

    async def queue_first(self, client: AIOKafkaProducer) -> None:
        """Queue the first of the full batches, waiting while the broker is behind.

        A refusal goes to `refusals`. Raises `UnacknowledgedError`, after which nothing more can
        be sent.
        """
        lane, partition, batch = self.full[0]
        records = batch.record_count()
        try:
            async with asyncio.timeout(self._timeout):
                future = await _offer(client, lane.topic, partition, batch)
        except TimeoutError:
            raise self._silence() from None
        except KafkaError as error:
            self._refuse(client, lane.topic, error)
        else:

            def settle(done: asyncio.Future[Any]) -> None:
                self._unacknowledged.discard(done)
                self._settle(client, lane.topic, partition, records, done)

            self._unacknowledged.add(future)
            future.add_done_callback(settle)
        del self.full[0]

    async def settled(self) -> None:
        """Wait until all that was queued is stored or refused. Raises `UnacknowledgedError`."""
        while self._unacknowledged:
            done, _ = await asyncio.wait(
                self._unacknowledged,
                timeout=self._timeout,
                return_when=asyncio.FIRST_COMPLETED,
            )
            if not done:
                raise self._silence()

    def raise_silence(self) -> None:
        """Raise the `UnacknowledgedError` that has ended sending, if one has."""
        if self._silent is not None:
            raise self._silent

    def raise_error(self) -> None:
        """Raise it, or a `RefusedError` that no flush has raised."""
        self.raise_silence()
        self.refusals.check()

    def _settle(
        self,
        client: AIOKafkaProducer,
        topic: str,
        partition: int,
        records: int,
        done: asyncio.Future[Any],
    ) -> None:
        if done.cancelled():
            return
        error = done.exception()
        if error is not None:
            self._refuse(client, topic, error)
            return
        self.acknowledged += records
        base: int = done.result().offset
        first, _ = self.offsets.get((topic, partition), (base, base))
        self.offsets[topic, partition] = (first, base + records - 1)

    def _refuse(self, client: AIOKafkaProducer, topic: str, error: BaseException) -> None:
        self.refusals.add(topic, error)
        self._discard(client)

    def _silence(self) -> UnacknowledgedError:
        self._silent = error = UnacknowledgedError(
            f"{self._broker} has acknowledged nothing for {self._timeout:g} s; "
            f"{self.acknowledged} records were acknowledged before; is the broker running?"
        )
        return error


async def _offer(
    client: AIOKafkaProducer,
    topic: str,
    partition: int,
    batch: Any,  # noqa: ANN401 (aiokafka is untyped)
) -> "asyncio.Future[Any]":
    while True:
        # aiokafka has a limit of its own on waiting for a place; the batch was not taken then.
        with contextlib.suppress(KafkaTimeoutError):
            future: asyncio.Future[Any] = await client.send_batch(batch, topic, partition=partition)
            return future
