"""`ManualConsumer`: the public class for reading topics with offsets in one's own hand."""

import asyncio
import contextlib
import logging
import signal
import time
from collections import deque
from collections.abc import AsyncIterator, Collection, Iterator
from types import TracebackType
from typing import Final, Self

from aiokafka import TopicPartition
from aiokafka.errors import KafkaError

from app.cluster import Broker
from app.consumer.attempts import Attempts, Handler
from app.consumer.connection import partition_counts
from app.consumer.dead_letters import DeadLetterTopic
from app.consumer.errors import ConsumeError, NotCommittedError
from app.consumer.membership import Hook, Membership, StartAt
from app.consumer.message import Message
from app.consumer.options import ConsumerOptions

log = logging.getLogger(__name__)

_LOOK: Final = 0.2
"""Seconds between looks at whether to stop."""


async def _nothing() -> None:
    pass


def _as_options_say(_: TopicPartition, __: int | None) -> None:
    return None


class ManualConsumer:
    """Reads topics as a member of a group and commits what is finished, at least once.

    An offset is committed only when every record before it in its partition is finished: handled,
    or stored as a dead letter. After a crash, or a rebalance that takes a partition away in the
    middle, records finished but not committed are handed over again, never left out. Records of
    aborted transactions are not seen.

    >>> options = ConsumerOptions(dead_letter_topic="my-dead-letters")
    >>> async with ManualConsumer("127.0.0.1:9092", ["clicks"], "my-group", options) as consumer:
    ...     await consumer.run(handle)  # until SIGTERM, `stop` or a cancellation
    """

    def __init__(
        self,
        broker: Broker,
        topics: Collection[str],
        group: str | None,
        options: ConsumerOptions | None = None,
        *,
        start_at: StartAt = _as_options_say,
        before_commit: Hook = _nothing,
    ) -> None:
        """Set up; nothing is connected before `start`.

        `group` None: all partitions, nothing committed. `start_at` may give each partition, when
        it is assigned, another offset than the committed one. `before_commit` is awaited before
        each commit, to make what is finished last.
        """
        self._broker = broker
        self._topics = list(topics)
        self.options = options or ConsumerOptions()
        self._stopping = asyncio.Event()
        self._membership = Membership(
            self.options, group, start_at, self._handlers_idle, before_commit
        )
        self._dead_letters: DeadLetterTopic | None = None
        self._attempts: Attempts | None = None
        self._committed_at = time.monotonic()

    async def start(self) -> None:
        """Connect and join. Raises NoTopicError, and UserError when no broker answers."""
        dead = self.options.dead_letter_topic
        counts = await partition_counts(self._broker, [*self._topics, *([dead] if dead else [])])
        if dead is not None:
            self._dead_letters = DeadLetterTopic(
                self._broker, dead, counts[dead], self.options.timeout
            )
        self._attempts = Attempts(
            self.options, self._membership, self._dead_letters, self._stopping
        )
        try:
            await self._membership.start(self._broker, self._topics, counts)
        except BaseException:
            await self._membership.close()
            raise

    async def close(self) -> None:
        """Commit what is finished, leave the group, disconnect.

        Raises NotCommittedError if the last commit failed; it is disconnected anyway.
        """
        try:
            if self._membership.is_ready:
                await self._membership.commit()
        finally:
            await self._membership.close()
            if self._dead_letters is not None:
                with contextlib.suppress(KafkaError):
                    await self._dead_letters.close()

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
        """Close, see `close`; after an error in the block that error is the one raised."""
        try:
            await self.close()
        except NotCommittedError:
            if error is None:
                raise

    def stop(self) -> None:
        """End `run` and iteration: running handlers finish, no further record is begun."""
        self._stopping.set()

    async def run(
        self, handle: Handler, stop_on: Collection[signal.Signals] = (signal.SIGTERM,)
    ) -> None:
        """Have `handle` called with each record until stopped, then commit.

        What it raises is tried again and ends as a dead letter, see `ConsumerOptions`. Raises
        HandlerFailedError, DeadLetterError, ConsumeError, NotCommittedError. `stop_on` needs the
        main thread; give () elsewhere.
        """
        with _stopping_on(stop_on, self):
            while not self._stopping.is_set():
                await self._share(iter(await self.fetch()), handle)
            await self.commit()

    async def _share(self, messages: Iterator[Message], handle: Handler) -> None:
        """Have `concurrency` tasks take records off one batch."""
        if self._attempts is None:
            raise ConsumeError("the consumer is not started")
        attempts = self._attempts

        async def work() -> None:
            for message in messages:
                await attempts.handle(message, handle)
                await self.commit_if_due()

        if self.options.concurrency == 1:
            await work()
            return
        try:
            async with asyncio.TaskGroup() as tasks:
                for _ in range(self.options.concurrency):
                    tasks.create_task(work())
        except BaseExceptionGroup as group:
            raise group.exceptions[0] from None

    async def fetch(self, seconds: float | None = None) -> list[Message]:
        """Commit if due, then wait for records: up to `max_poll_records`, perhaps none.

        Mark each with `finish`. `seconds` to wait, by default 0.2. Raises ConsumeError.
        """
        await self.commit_if_due()
        return await self._membership.fetch(_LOOK if seconds is None else seconds)

    async def __aiter__(self) -> AsyncIterator[Message]:
        """Give records one by one until stopped; mark each with `finish` when it is."""
        waiting: deque[Message] = deque()
        while not self._stopping.is_set():
            if not waiting:
                waiting.extend(await self.fetch())
                continue
            message = waiting.popleft()
            if self._membership.is_current(message):
                yield message
                await self.commit_if_due()

    def finish(self, message: Message) -> None:
        """Mark a record as finished, in any order; of a partition since lost it has no effect."""
        self._membership.finish(message)

    async def commit(self) -> None:
        """Commit now what is finished. Raises NotCommittedError."""
        self._committed_at = time.monotonic()
        await self._membership.commit()

    async def commit_if_due(self) -> None:
        """Commit after `commit_records` or `commit_seconds`; a failure is tried again later."""
        late = time.monotonic() - self._committed_at >= self.options.commit_seconds
        if late or self._membership.offsets.finished >= self.options.commit_records:
            try:
                await self.commit()
            except NotCommittedError as error:
                log.warning("%s", error)

    def positions(self) -> dict[tuple[str, int], int] | None:
        """The offset read next, by (topic, partition); None during a rebalance."""
        if not self._membership.is_ready:
            return None
        return {tuple(place): at for place, at in self._membership.offsets.read_to().items()}

    async def end_offsets(self) -> dict[tuple[str, int], int]:
        """Where committed records end now, for all partitions. Raises ConsumeError."""
        counts = await partition_counts(self._broker, self._topics)
        places = [TopicPartition(t, number) for t in self._topics for number in range(counts[t])]
        try:
            async with asyncio.timeout(self.options.timeout):
                found = await self._membership.client.end_offsets(places)
        except (KafkaError, TimeoutError) as error:
            raise ConsumeError(f"the broker does not say where {self._topics} end") from error
        return {tuple(place): offset for place, offset in found.items()}

    async def _handlers_idle(self) -> None:
        if self._attempts is not None:
            await self._attempts.idle()


@contextlib.contextmanager
def _stopping_on(signals: Collection[signal.Signals], consumer: ManualConsumer) -> Iterator[None]:
    loop = asyncio.get_running_loop()
    for number in signals:
        loop.add_signal_handler(number, consumer.stop)
    try:
        yield
    finally:
        for number in signals:
            loop.remove_signal_handler(number)
