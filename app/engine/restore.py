"""Brings a partition's store up to its changelog's last stable offset (reliability, rule 1)."""

import asyncio
import logging
import time
from collections.abc import Callable
from contextlib import AsyncExitStack
from typing import Protocol

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from app.engine import failpoints
from app.engine.errors import LostError
from app.engine.restore_report import RestoreReport
from app.engine.shared_reader import Reader, SharedReader
from app.engine.store.base import Store
from app.engine.store.identity import StoreIdentity
from app.errors import UserError
from app.observability.metrics import Metrics
from app.topic_identity import ClusterIdentity

log = logging.getLogger(__name__)
Progress = Callable[[int, int], None]


# Records applied at a time: some 20 ms, so that HTTP is answered in between.
_PIECE = 4096
# Offsets from which on a tail is long: long ones take turns, since each needs memory and a core.
_LONG = 20_000
_AT_ONCE = 2
# How long to wait for records; that long takes a tail of nothing but a transaction's marker.
_WAIT_MS = 50


def _now() -> int:
    return time.time_ns() // 1_000_000


class Identities(Protocol):
    """Asks which topics names stand for, over one connection."""

    async def look(self) -> ClusterIdentity:
        """Ask. Raises UserError."""

    async def close(self) -> None:
        """Let go of the connection."""


class Restorer:
    """Reads one worker's changelogs into its stores."""

    def __init__(
        self,
        changelog: str,
        reader: Reader,
        identities: Identities,
        tombstones_ms: int,
        metrics: Metrics,
    ) -> None:
        """`reader`: gives a read_committed consumer of no group, which resets no position.

        `identities`: asks for the changelog's; `tombstones_ms`: its `delete.retention.ms`.
        """
        self._changelog = changelog
        self._reader = reader
        self._identities = identities
        self._asking = asyncio.Lock()
        self._tombstones_ms = tombstones_ms
        self._metrics = metrics
        self._turns = asyncio.Semaphore(_AT_ONCE)
        self._shared = SharedReader(reader)

    async def restore(self, number: int, store: Store, progress: Progress) -> None:
        """Bring the store of a partition that is owned up to date; it is this changelog's then.

        A store that is damaged is set aside; one that is another's, lies outside of the changelog
        or is so old that tombstones may be gone is dropped. Both are built anew. `progress` is
        told the position and the end. Raises LostError when the broker cannot be reached.
        """
        await self._bring_up(number, store, progress, owned=True)

    async def follow(self, number: int, store: Store, progress: Progress) -> None:
        """Do the same for a partition that another worker owns.

        All of them look through one reader; only for a long tail one has a reader of its own.
        """
        if not await self._bring_up(number, store, progress, owned=False, reader=self._shared.use):
            await self._bring_up(number, store, progress, owned=False)

    async def close(self) -> None:
        """Let go of the connections that looks share."""
        await self._shared.close()
        await self._identities.close()

    async def _bring_up(
        self,
        number: int,
        store: Store,
        progress: Progress,
        *,
        owned: bool,
        reader: Reader | None = None,
    ) -> bool:
        """Do it, through a reader of its own by default; False: too long for a shared `reader`."""
        store.renew()
        place = TopicPartition(self._changelog, number)
        try:
            identity = await self._identity(number)
            async with (reader or self._reader)() as consumer:
                first = (await consumer.beginning_offsets([place]))[place]
                end = (await consumer.end_offsets([place]))[place]
                at = store.changelog_offset
                if not owned and at is not None and at > end:
                    return True  # Written by this worker, whose last commit has no marker yet.
                self._check(place, store, identity, first, end)
                tail = _Tail(consumer, place, store, first, end, progress, self._metrics)
                if reader is not None and end - tail.position > _LONG:
                    return False
                async with AsyncExitStack() as stack:
                    if end - tail.position > _LONG:
                        await stack.enter_async_context(self._turns)
                        store.bulk(True)
                        stack.callback(store.bulk, False)
                    await tail.apply(identity.encode(), self._tombstones_ms // 2)
        except (KafkaError, TimeoutError) as error:
            raise LostError(f"the changelog could not be read: {error!r}") from error
        return True

    async def _identity(self, number: int) -> StoreIdentity:
        try:
            async with self._asking:
                found = await self._identities.look()
        except UserError as error:
            raise LostError(str(error)) from error
        topic = found.topics.get(self._changelog)
        if topic is None:
            raise LostError(f"topic {self._changelog} does not exist")
        return StoreIdentity(found.cluster_id, topic.topic_id, number)

    def _check(
        self, place: TopicPartition, store: Store, identity: StoreIdentity, first: int, end: int
    ) -> None:
        """Drop a store that cannot be caught up; have an empty one be this changelog's."""
        at = store.changelog_offset
        if at is not None:
            why = identity.unlike(StoreIdentity.decode(store.identity))
            if why is None and not first <= at <= end:
                why = f"is at offset {at}, outside of its changelog ({first} to {end})"
            if why is not None:
                _drop(place, store, why)
        if store.changelog_offset is None:
            store.claim(identity.encode())


class _Tail:
    """What a store lacks of its changelog."""

    def __init__(
        self,
        consumer: AIOKafkaConsumer,
        place: TopicPartition,
        store: Store,
        first: int,
        end: int,
        progress: Progress,
        metrics: Metrics,
    ) -> None:
        """`first`, `end`: of the changelog; `consumer`: assigned to nothing."""
        self._consumer = consumer
        self._place = place
        self._store = store
        self._first = first
        self._end = end
        self._progress = progress
        self._metrics = metrics
        at = store.changelog_offset
        self.position = first if at is None else at

    async def apply(self, identity: bytes, patience_ms: int) -> None:
        """Apply it; all of the changelog, where the store is older than `patience_ms`.

        An old store whose tail holds no records is as good as a new one.
        """
        if self._first == self._end:
            return
        store, stored = self._store, self._store.as_of
        old = stored is not None and abs(_now() - stored) > patience_ms
        if not await self._read(refuse=old):
            _drop(self._place, store, "is so old that its changelog may have forgotten deletions")
            store.claim(identity)
            self.position = self._first
            store.bulk(self._end - self._first > _LONG)
            await self._read(refuse=False)
            store.bulk(False)
        store.write([], max(store.changelog_offset or 0, self._end))

    async def _read(self, *, refuse: bool) -> bool:
        """Read and apply; whether nothing was refused.

        The store is as of the beginning until all is applied: a tombstone further on may expire
        while the rest waits.
        """
        consumer, place, store, end = self._consumer, self._place, self._store, self._end
        as_of = _now() if store.as_of is None else store.as_of
        consumer.assign([place])
        consumer.seek(place, self.position)
        with RestoreReport(place, self.position, end, self._metrics) as report:
            while self.position < end:
                fetched = await consumer.getmany(place, timeout_ms=_WAIT_MS, max_records=_PIECE)
                self.position = await consumer.position(place)
                changes = [(record.key, record.value) for record in fetched.get(place, ())]
                if changes and refuse:
                    return False
                if changes:
                    store.write(changes, self.position, as_of)
                    failpoints.hit(failpoints.IN_RECOVERY)
                    await asyncio.sleep(0)
                report.applied(changes, self.position)
                self._progress(self.position, end)
        return True


def _drop(place: TopicPartition, store: Store, why: str) -> None:
    log.warning(
        "the store of %s partition %d %s: it is dropped and rebuilt from the changelog",
        place.topic, place.partition, why,
    )  # fmt: skip
    store.clear()
