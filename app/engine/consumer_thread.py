"""The thread with the aiokafka consumer in it: fetches, membership, questions about offsets."""

import asyncio
import time
from collections.abc import Coroutine, Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple, TypeVar, cast

import aiokafka
from aiokafka import TopicPartition
from aiokafka.errors import CommitFailedError, KafkaError, OffsetOutOfRangeError
from aiokafka.structs import OffsetAndMetadata
from faust.transport.drivers import aiokafka as driver

from app.engine.errors import LostError, StateError
from app.engine.fetch.records import BUDGET, Budget, Fetched
from app.engine.heartbeats import note_heartbeats
from app.group_offsets import heed_group_errors

T = TypeVar("T")
_FENCED_INSTANCE_ID = 82
# Uncompressed bytes that one poll hands over, and compressed ones that a broker sends at a time.
_POLL_BYTES = 4 * 1024 * 1024
_FETCH_BYTES = 8 * 1024 * 1024


class Answer(NamedTuple):
    """Up to where a partition has been read, and what the broker last said of its end.

    `stable_end`: its last stable offset, None before the first answer; `at`: seconds, monotonic.
    """

    position: int
    stable_end: int | None
    at: float


class Polled(NamedTuple):
    """What one poll brought; `refused`: offsets at which the broker has nothing."""

    records: Mapping[TopicPartition, Fetched]
    answers: Mapping[TopicPartition, Answer]
    refused: Mapping[TopicPartition, int] = MappingProxyType({})


class ConsumerThread(driver.AIOKafkaConsumerThread):
    """The thread in which aiokafka fetches and heartbeats, whatever the agents are busy with."""

    last_heartbeat = float("-inf")
    failure: StateError | None = None

    def _create_worker_consumer(self, transport: Any) -> aiokafka.AIOKafkaConsumer:  # noqa: ANN401
        app = cast("Any", self.app)
        settings = app.settings
        self._assignor = app.assignor
        return aiokafka.AIOKafkaConsumer(
            client_id=f"{settings.app_id}-consumer",
            group_id=settings.app_id,
            group_instance_id=settings.group_instance_id,
            **settings.cluster.arguments(),
            partition_assignment_strategy=[self._assignor],
            enable_auto_commit=False,
            auto_offset_reset="none",
            isolation_level="read_committed",
            session_timeout_ms=settings.session_timeout,
            heartbeat_interval_ms=settings.heartbeat_interval,
            rebalance_timeout_ms=settings.session_timeout * 3,
            max_poll_interval_ms=24 * 3600 * 1000,
            fetch_max_wait_ms=100,
            fetch_max_bytes=_FETCH_BYTES,
            max_partition_fetch_bytes=256 * 1024,
            request_timeout_ms=settings.session_timeout * 3 + 5_000,  # JoinGroup may wait so long.
            retry_backoff_ms=100,
        )

    async def on_start(self) -> None:
        """Start the consumer, and note each heartbeat that proves what this member owns."""
        await super().on_start()
        heed_group_errors(self._ensure_consumer())
        coordinator = self._ensure_consumer()._coordinator
        note_heartbeats(coordinator, self._note)
        if coordinator._group_instance_id is not None:
            _keep_member_id(coordinator)
            self._watch_for_twin(coordinator)

    def _note(self, sent: float) -> None:
        self.last_heartbeat = sent

    def _watch_for_twin(self, coordinator: Any) -> None:  # noqa: ANN401 (aiokafka)
        send = coordinator._send_req

        async def watched(request: Any) -> Any:  # noqa: ANN401 (aiokafka)
            response = await send(request)
            if getattr(response, "error_code", 0) == _FENCED_INSTANCE_ID:
                self.failure = StateError(
                    f"another process has joined with group_instance_id "
                    f"{coordinator._group_instance_id}: give each worker one of its own "
                    "(STREAMJOIN_GROUP_INSTANCE_ID)"
                )
            return response

        coordinator._send_req = watched

    async def on_thread_stop(self) -> None:
        """Leave the group; a rebalance that is under way is not waited for."""
        consumer = self._consumer
        if consumer is not None and consumer._coordinator._rejoin_needed_fut.done():
            joining = consumer._coordinator._coordination_task
            joining.cancel()
            await asyncio.wait([joining])
        await super().on_thread_stop()

    async def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine in the thread, and wait for it here."""
        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(work, self.thread_loop))

    async def poll(
        self, wanted: Sequence[TopicPartition], seconds: float, max_records: int
    ) -> Polled:
        """Hand over what has been fetched of these partitions; wait up to `seconds`.

        Raises StateError where the membership has ended for good.
        """
        try:
            return await self.run(self._poll(set(wanted), seconds, max_records))
        except KafkaError:
            if self.failure is not None:
                raise self.failure from None
            raise

    async def _poll(self, wanted: set[TopicPartition], seconds: float, max_records: int) -> Polled:
        consumer = self._ensure_consumer()
        consumer._coordinator.check_errors()
        subscriptions, fetcher = consumer._subscription, consumer._fetcher
        if not wanted or consumer._closed or subscriptions.reassignment_in_progress:
            return Polled({}, {})
        BUDGET.set(Budget(_POLL_BYTES))
        with subscriptions.fetch_context():
            try:
                records = await fetcher.fetched_records(wanted, seconds, max_records)
            except OffsetOutOfRangeError as error:
                [refused] = error.args
                consumer.pause(*[tp for tp in refused if tp in consumer.assignment()])
                return Polled({}, {}, refused)
        assignment = subscriptions.subscription.assignment
        if assignment is None or not assignment.active:
            return Polled({}, {})
        offset = time.monotonic() - time.time()
        answers = {}
        for tp in wanted:
            state = assignment.state_value(tp)
            if state is not None and state.has_valid_position and state.timestamp is not None:
                at = min(state.timestamp / 1000 + offset, time.monotonic())
                answers[tp] = Answer(state.position, state.lso, at)
        return Polled(records, answers)

    async def activate(self, positions: Mapping[TopicPartition, int]) -> None:
        """Read these partitions from these offsets on, whatever the client thought it was at."""
        await self.run(self._activate(positions))

    async def _activate(self, positions: Mapping[TopicPartition, int]) -> None:
        consumer = self._ensure_consumer()
        assignment = consumer._subscription.subscription.assignment
        for tp, offset in positions.items():
            if assignment is None or assignment.state_value(tp) is None:
                raise LostError(f"{tp} is no longer assigned")
            consumer._fetcher._records.pop(tp, None)
            state = assignment.state_value(tp)
            state.timestamp = state.lso = None
            consumer.seek(tp, offset)

    async def pause(self, partitions: Sequence[TopicPartition]) -> None:
        """Stop aiokafka from fetching these partitions at all."""
        await self.run(self._pause(partitions))

    async def _pause(self, partitions: Sequence[TopicPartition]) -> None:
        consumer = self._ensure_consumer()
        consumer.pause(*[tp for tp in partitions if tp in consumer.assignment()])

    async def resume(self, partitions: Sequence[TopicPartition]) -> None:
        """Let aiokafka fetch these partitions again."""
        await self.run(self._resume(partitions))

    async def _resume(self, partitions: Sequence[TopicPartition]) -> None:
        consumer = self._ensure_consumer()
        consumer.resume(*[tp for tp in partitions if tp in consumer.assignment()])

    @property
    def generation(self) -> int:
        """The group's generation as this member knows it; -1 where it is no member."""
        generation: int = self._ensure_consumer()._coordinator.generation
        return generation

    def rejoin(self) -> None:
        """Have the group assign anew. To be called in the thread."""
        self._ensure_consumer()._coordinator.request_rejoin()

    async def heartbeat(self) -> None:
        """Prove membership now (reliability, rule 1). Raises LostError."""
        if not await self.run(self._heartbeat()):
            raise LostError("the group no longer knows this member")

    async def _heartbeat(self) -> bool:
        coordinator = self._ensure_consumer()._coordinator
        await coordinator.ensure_coordinator_known()  # The last one may have fallen silent.
        if coordinator.generation < 0 or coordinator._rejoin_needed_fut.done():
            # On its way into the next generation; a refused heartbeat would start it over.
            return False
        accepted: bool = await coordinator._do_heartbeat()
        return accepted

    async def committed(self, tps: Sequence[TopicPartition]) -> dict[TopicPartition, int]:
        """Fetch the group's committed offsets from the broker; those that there are."""
        coordinator = self._ensure_consumer()._coordinator
        found = await self.run(coordinator.fetch_committed_offsets(list(tps)))
        return {tp: offset.offset for tp, offset in found.items()}

    async def commit_offsets(self, offsets: Mapping[TopicPartition, int]) -> None:
        """Commit outside of a transaction, as this generation's member. Raises KafkaError."""
        committed = {tp: OffsetAndMetadata(offset, "") for tp, offset in offsets.items()}
        consumer = self._ensure_consumer()
        if consumer._coordinator.generation < 0:
            # A group without members would take it, though others may have gone further since.
            raise CommitFailedError("the membership is lost")
        await self.run(consumer.commit(committed))

    async def ends(
        self, tps: Sequence[TopicPartition]
    ) -> tuple[dict[TopicPartition, int], dict[TopicPartition, int]]:
        """Ask for the first and the last stable offsets."""
        consumer = self._ensure_consumer()
        first = await self.run(consumer.beginning_offsets(list(tps)))
        last = await self.run(consumer.end_offsets(list(tps)))
        return first, last


def _keep_member_id(coordinator: Any) -> None:  # noqa: ANN401 (aiokafka)
    """Have a static member that was expelled join again under its member id first (KIP-345).

    The broker then refuses it if another process has taken its `group_instance_id` meanwhile; two
    that join as new ones would throw each other out for ever.
    """
    forget = coordinator.reset_generation

    def reset() -> None:
        if coordinator.generation < 0:
            forget()
        else:
            coordinator.generation = -1
            coordinator.request_rejoin()

    coordinator.reset_generation = reset
