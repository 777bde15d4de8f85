"""The group below `ManualConsumer`: partitions come and go, offsets are fetched and committed.

What belongs to an earlier assignment is neither handed over nor committed: every assignment has a
number of its own (`epoch`), and the broker checks the generation with each commit.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.abc import ConsumerRebalanceListener
from aiokafka.errors import CommitFailedError, IllegalStateError, KafkaError

from app.cluster import Broker
from app.consumer.connection import connect
from app.consumer.errors import ConsumeError, NotCommittedError
from app.consumer.message import Message
from app.consumer.offsets import Offsets
from app.consumer.options import ConsumerOptions

log = logging.getLogger(__name__)

StartAt = Callable[[TopicPartition, int | None], int | None]
"""(partition, committed offset or None) -> where to start; None: as the options say."""
Hook = Callable[[], Awaitable[None]]


class Membership(ConsumerRebalanceListener):  # type: ignore[misc]
    """One member of a group, or a reader of all partitions where there is no group."""

    def __init__(
        self,
        options: ConsumerOptions,
        group: str | None,
        start_at: StartAt,
        before_revoke: Hook,
        before_commit: Hook,
    ) -> None:
        """`before_revoke` has running handlers finish; `before_commit` makes their work last."""
        self._options = options
        self._group = group
        self._start_at = start_at
        self._before_revoke = before_revoke
        self._before_commit = before_commit
        self._client: AIOKafkaConsumer | None = None
        self._ready = asyncio.Event()
        self._committing = asyncio.Lock()
        self._failure: Exception | None = None
        self._generation = -1
        self.epoch = 0
        self.offsets = Offsets()

    async def start(self, broker: Broker, topics: Collection[str], counts: dict[str, int]) -> None:
        """Connect and join. `counts`: the topics' partitions. Raises ConsumeError."""
        self._client = await connect(broker, self._group, self._options)
        if self._group is not None:
            self._client.subscribe(topics, listener=self)
            return
        places = [TopicPartition(t, number) for t in topics for number in range(counts[t])]
        self._client.assign(places)
        await self._begin(places)

    async def close(self) -> None:
        """Leave the group and disconnect, bounded."""
        client, self._client = self._client, None
        self._ready.clear()
        if client is None:
            return
        try:
            async with asyncio.timeout(self._options.timeout):
                await client.stop()
        except (TimeoutError, KafkaError):
            await client._client.close()

    @property
    def client(self) -> AIOKafkaConsumer:
        """The aiokafka consumer; ConsumeError when it is not started."""
        if self._client is None:
            raise ConsumeError("the consumer is not started or already closed")
        return self._client

    @property
    def is_ready(self) -> bool:
        """Whether partitions are assigned, be it none, and not being taken away."""
        return self._ready.is_set()

    def is_current(self, message: Message) -> bool:
        """Whether work on a record may begin: its partition is still this member's."""
        return self._ready.is_set() and message.epoch == self.epoch

    async def fetch(self, seconds: float) -> list[Message]:
        """Wait for records up to `seconds`; none during a rebalance. Raises ConsumeError."""
        client = self.client
        epoch = self.epoch
        found: dict[TopicPartition, list[Any]] = {}
        try:
            # getmany takes nothing before its last await, so a time-out loses nothing. During a
            # rebalance it would wait without a bound.
            async with asyncio.timeout(seconds + 0.5):
                # Asking counts during a rebalance too: aiokafka has a member that the group went on
                # without join again only then.
                with client._subscription.fetch_context():
                    pass
                await self._ready.wait()
                self._check()
                epoch = self.epoch
                found = await client.getmany(
                    timeout_ms=int(seconds * 1000), max_records=self._options.max_poll_records
                )
        except TimeoutError:
            return []
        except (KafkaError, IllegalStateError) as error:
            raise ConsumeError(f"cannot read on: {type(error).__name__}") from error
        if not self._ready.is_set():
            return []
        if epoch != self.epoch:  # Taken in one assignment, seen in the next: read it again.
            for place, offset in self.offsets.read_to().items():
                client.seek(place, offset)
            return []
        await self._note(found)
        return [
            Message(r.topic, r.partition, r.offset, r.timestamp, r.key, r.value, r.headers, epoch)
            for records in found.values()
            for r in records
        ]

    async def _note(self, found: dict[TopicPartition, list[Any]]) -> None:
        """Note what was read, past transaction markers too; nothing in here really waits."""
        for place in self.offsets.read_to():
            records = found.get(place, [])
            read_to = await self.client.position(place)
            self.offsets.read(place, (record.offset for record in records), read_to)

    def finish(self, message: Message) -> None:
        """Note a record as finished, unless its partition has been taken away since."""
        if message.epoch == self.epoch:
            self.offsets.finish(TopicPartition(message.topic, message.partition), message.offset)

    async def commit(self) -> None:
        """Commit what is finished. Raises NotCommittedError when the broker does not answer.

        A membership that is lost is no error: the next owner gets the records again.
        """
        async with self._committing:
            await self._commit()

    async def _commit(self) -> None:
        due = self.offsets.due()
        if not due:
            return
        await self._before_commit()
        if self._group is None:
            self.offsets.committed(due)
            return
        try:
            # Without a generation the broker would take the commit of a former member.
            if self.client._coordinator.generation != self._generation:
                raise CommitFailedError("the membership is lost")
            async with asyncio.timeout(self._options.timeout):
                await self.client.commit(due)
        except (CommitFailedError, IllegalStateError):
            log.warning("group %s: the membership was lost before a commit", self._group)
        except (KafkaError, TimeoutError) as error:
            raise NotCommittedError(
                f"offsets of group {self._group} could not be committed ({type(error).__name__}): "
                "what was done since the last commit is handed over again; is the broker running?"
            ) from error
        else:
            self.offsets.committed(due)

    async def on_partitions_revoked(self, revoked: Collection[TopicPartition]) -> None:
        """Let running handlers finish, commit what is done, then let go."""
        self._ready.clear()
        try:
            await self._before_revoke()
            await self.commit()
        except NotCommittedError as error:
            log.warning("%s", error)
        except Exception as error:
            self._failure = error
        finally:
            self.epoch += 1
            self.offsets.clear()

    async def on_partitions_assigned(self, assigned: Collection[TopicPartition]) -> None:
        """Start where the group, or `start_at`, says; the client's own positions do not count."""
        try:
            self._generation = self.client._coordinator.generation
            await self._begin(assigned)
        except Exception as error:  # aiokafka would log it and read on from elsewhere.
            self._failure = error
            self._ready.set()

    async def _begin(self, assigned: Collection[TopicPartition]) -> None:
        for place in assigned:
            committed = None if self._group is None else await self.client.committed(place)
            start = self._start_at(place, committed)
            if start is None:
                start = committed if committed is not None else await self._first(place)
            self.client.seek(place, start)
            self.offsets.start(place, start, committed)
        await self._commit_start()
        self._ready.set()

    async def _commit_start(self) -> None:
        """Commit before the first fetch: who starts at the latest must find it after a crash."""
        while self._group is not None:
            try:
                await self.commit()
                break
            except NotCommittedError as error:
                log.warning("%s", error)

    async def _first(self, place: TopicPartition) -> int:
        latest = self._options.start_from == "latest"
        ask = self.client.end_offsets if latest else self.client.beginning_offsets
        return int((await ask([place]))[place])

    def _check(self) -> None:
        failure, self._failure = self._failure, None
        if isinstance(failure, KafkaError):
            raise ConsumeError(f"cannot take over partitions: {type(failure).__name__}")
        if failure is not None:
            raise failure
