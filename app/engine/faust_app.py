"""The Faust app: its own life cycle, assignor, agents and web server, around our engine."""

import logging
from collections.abc import Iterable
from typing import Any, cast

import faust
from aiokafka import TopicPartition
from faust.app.base import BootStrategy as FaustBootStrategy
from faust.assignor.partition_assignor import PartitionAssignor
from faust.serializers.schemas import Schema
from faust.tables.manager import TableManager as FaustTableManager
from faust.types import TP, ConsumerMessage
from mode.types import ServiceT

from agents.topology import Flow
from app.engine.assignment import assigned_partitions
from app.engine.batches import EventBatch
from app.engine.consumer import Consumer, Transport
from app.engine.engine import Assignment, Engine
from app.engine.faust_agent import BatchAgent, BatchStream
from app.engine.recovery import StateRecovery
from app.proofs import Proofs
from app.settings import Settings

log = logging.getLogger(__name__)


class Assignor(PartitionAssignor):
    """Faust's assignor, with topics grouped the same way in every process.

    Stock Faust groups them by the iteration order of sets of strings: two topics of the same
    members can fall into two groups, and their partitions to two workers. The group is told this
    worker's URL with a proof (`app/proofs.py`).
    """

    @property
    def _url(self) -> Any:  # noqa: ANN401 (yarl, for whose text it stands)
        return cast("StreamApp", self.app).advertised

    @classmethod
    def _group_co_subscribed(cls, topics: set[str], subscriptions: Any) -> Iterable[set[str]]:  # noqa: ANN401
        grouped: dict[tuple[str, ...], set[str]] = {}
        for topic in topics:
            members = tuple(
                sorted(m for m, subscribed in subscriptions.items() if topic in subscribed)
            )
            grouped.setdefault(members, set()).add(topic)
        return grouped.values()

    def on_assignment(self, assignment: Any) -> None:  # noqa: ANN401 (aiokafka)
        """Take an assignment; one that a static member had under another URL is told again."""
        try:
            super().on_assignment(assignment)
        except AssertionError:
            if str(self._url) in self.changelog_distribution:
                raise
            cast("Any", self.app).consumer_service.thread.rejoin()


class PassThrough(Schema[Any, Any]):
    """Leaves values as they are: the engine has decoded them."""

    def loads_key(self, app: Any, message: Any, **kwargs: Any) -> Any:  # noqa: ANN401
        """Give the key as it is."""
        return message.key

    def loads_value(self, app: Any, message: Any, **kwargs: Any) -> Any:  # noqa: ANN401
        """Give the batch as it is."""
        return message.value


class BootStrategy(FaustBootStrategy):
    """Faust's services without those that would create topics of their own."""

    def kafka_consumer(self) -> Iterable[ServiceT]:
        """Start the consumer alone: no leader election, no reply topics."""
        return [self.app.consumer]

    def kafka_producer(self) -> Iterable[ServiceT]:
        """Start no producer: each partition has one of its own."""
        return []


class TableManager(FaustTableManager):
    """Faust's table manager with our recovery."""

    @property
    def recovery(self) -> StateRecovery:
        """The recovery service."""
        if self._recovery is None:
            self._recovery = StateRecovery(self.app, self, beacon=self.beacon, loop=self.loop)
        return cast("StateRecovery", self._recovery)

    async def on_start(self) -> None:
        """Register the tables at once: they are all known before the app starts."""
        await self._update_channels()
        await self.recovery.start()


class StreamApp(faust.App):
    """The app that the composition root makes; `engine` does the work."""

    BootStrategy = BootStrategy
    engine: Engine
    leaving = False
    """Whether it finishes what is in hand, to stop then."""

    def __init__(self, settings: Settings, sources: tuple[str, ...], changelog: str) -> None:
        """`sources`: topics that are read; `changelog`: the topic of all tables' changes."""
        self.settings = settings
        self.proofs = Proofs.of(settings)
        self.sources = sources
        self.changelog = changelog
        super().__init__(settings.app_id, **faust_options(settings))

    @property
    def url(self) -> str:
        """This worker's URL, in the normal form into which Faust brings it."""
        return str(self.conf.canonical_url).rstrip("/")

    @property
    def advertised(self) -> str:
        """What the group is told of this worker."""
        return self.proofs.advertised(self.url)

    def _new_transport(self) -> Transport:
        return Transport(self.conf.broker_consumer, self)

    @property
    def consumer_service(self) -> Consumer:
        """The consumer under its own type."""
        return cast("Consumer", self.consumer)

    async def deliver(self, flow: Flow, partition: int, batch: EventBatch[Any]) -> None:
        """Hand a batch to its agent, through Faust's conductor, as one message."""
        tp = TP(flow.topics[0], partition)
        message = ConsumerMessage(
            tp.topic, partition, 0, 0.0, 0, [], None, cast("Any", batch), None, tp=tp,
            generation_id=self.consumer_generation_id,
        )  # fmt: skip
        await self.topics.on_message(message)

    async def _on_partitions_revoked(self, revoked: set[TP]) -> None:
        """Commit what is in hand while the agents still run, and wait for the next assignment."""
        if self.should_stop:
            return
        await self.engine.park()
        await self.on_partitions_revoked.send(revoked)

    async def pause_changelog(self, assigned: set[TP]) -> None:
        """Keep the group's consumer off the changelog: recovery reads it with its own."""
        paused = [TopicPartition(*tp) for tp in assigned if tp.topic == self.changelog]
        await self.consumer_service.thread.pause(paused)

    async def take_assignment(self, revocations: int) -> None:
        """Own the partitions that are assigned now; `revocations`: see `Engine.assign`."""
        assigned = self.consumer_service.assignment()
        numbers = assigned_partitions(assigned, self.sources)
        await self.pause_changelog(assigned)
        standbys = {tp.partition for tp in self.assignor.assigned_standbys()} - numbers
        generation = self.consumer_service.thread.generation
        await self.engine.assign(
            Assignment(frozenset(numbers), frozenset(standbys), generation, revocations)
        )


def faust_options(settings: Settings) -> dict[str, Any]:
    """Give Faust's settings, with all that would act on its own switched off.

    `env`: Faust would put the environment's WEB_BIND, BROKER_URL, APP_VALUE_SERIALIZER before them.
    `broker`: names the transport alone; `ConsumerThread` connects by `settings.cluster`.
    """
    return {
        "env": {},
        "broker": "kafka://",
        "processing_guarantee": "at_least_once",
        "store": "memory://",
        "datadir": str(settings.data_dir / "faust"),
        "table_standby_replicas": settings.standby_replicas,
        "broker_session_timeout": settings.session_timeout / 1000,
        "broker_heartbeat_interval": settings.heartbeat_interval / 1000,
        "topic_allow_declare": False,
        "topic_disable_leader": True,
        "reply_create_topic": False,
        "stream_wait_empty": False,
        "autodiscover": False,
        "canonical_url": settings.url,
        "web_host": settings.web_host,
        "web_bind": settings.web_host,
        "web_port": settings.web_port,
        "web_in_thread": False,
        "web_stats_enabled": False,
        "web_graph_enabled": False,
        "web_router_enabled": False,
        "web_tables_enabled": False,
        "web_metrics_enabled": False,
        "Agent": BatchAgent,
        "Stream": BatchStream,
        "TableManager": TableManager,
        "PartitionAssignor": Assignor,
    }
