"""The composition root: what a worker consists of, put together in one place."""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from agents.topology import Topology
from app.engine import fetched
from app.engine.acquire import Acquisition
from app.engine.clock import Clock, SystemClock
from app.engine.engine import Engine, Parts
from app.engine.faust_app import PassThrough, StreamApp
from app.engine.partition_parts import Pace
from app.engine.store.base import Store
from app.engine.store.memory import MemoryStore
from app.engine.store.rocks import RocksStore, shared_cache
from app.engine.writer import PlainWriter, TransactionWriter, Writer
from app.observability.metrics import Metrics
from app.settings import Settings
from app.startup import limits
from app.topics_admin import TopicDescription
from app.web.install import install_web

TABLE = "state"
# Decoded rows a table and partition keep between commits.
_CACHE_ROWS = 8192
_BLOCK_CACHE_MIB = 32
_BATCH_BYTES = 512 * 1024
_REQUEST_BYTES = 4 * 1024 * 1024


def changelog_topic(settings: Settings) -> str:
    """Name of the changelog of all tables: Faust's name for the table `state`."""
    return f"{settings.app_id}-{TABLE}-changelog"


def make_app(
    settings: Settings,
    topics: Mapping[str, TopicDescription],
    clock: Clock | None = None,
    metrics: Metrics | None = None,
) -> StreamApp:
    """Make a worker's app; `topics`: as `check_topics` found them."""
    fetched.install()
    clock, metrics = clock or SystemClock(), metrics or Metrics()
    catalogue = settings.catalogue()
    topology = Topology(catalogue, settings.rules(), settings.max_future)
    changelog = changelog_topic(settings)
    partitions = topics[changelog].partitions
    app = StreamApp(settings, topology.sources, changelog)
    app.Table(
        TABLE,
        partitions=partitions,
        changelog_topic=app.topic(changelog, partitions=partitions, acks=False),
    )
    for flow in topology.flows:
        channel = app.topic(*flow.topics, schema=PassThrough(), partitions=partitions)
        app.agent(channel, name=flow.name)(flow.agent)
    thread = app.consumer_service.thread
    acquisition = Acquisition(
        settings, thread, topology.sources, changelog, lambda: _reader(settings)
    )
    app.engine = Engine(
        Parts(
            topology,
            acquisition,
            _open_store(settings),
            _make_writer(settings, app, changelog, partitions),
            app.deliver,
            Pace(settings.commit_interval / 1000, settings.commit_records, settings.max_attempts),
            clock,
            metrics,
            limits(catalogue, topics),
            partitions,
            _CACHE_ROWS,
        )
    )
    metrics.watch_lag(app.engine.lags)
    install_web(app, settings, metrics, app.engine.misplaced.warnings)
    return app


def _open_store(settings: Settings) -> Callable[[int], Store]:
    if settings.store == "memory":
        return lambda number: MemoryStore()
    cache = shared_cache(_BLOCK_CACHE_MIB)
    folder = settings.data_dir / settings.app_id
    return lambda number: RocksStore(folder / f"partition-{number}", cache)


def _make_writer(
    settings: Settings, app: StreamApp, changelog: str, partitions: int
) -> Callable[[int], Writer]:
    timeout = settings.transaction_timeout / 1000

    def producer(transactional_id: str | None) -> AIOKafkaProducer:
        transaction: dict[str, Any] = {}
        if transactional_id is not None:
            transaction = {
                "transactional_id": transactional_id,
                "transaction_timeout_ms": settings.transaction_timeout,
            }
        return AIOKafkaProducer(
            bootstrap_servers=settings.broker,
            client_id=transactional_id or f"{settings.app_id}-producer",
            acks="all",
            enable_idempotence=True,
            max_batch_size=_BATCH_BYTES,
            max_request_size=_REQUEST_BYTES,
            **transaction,
        )

    def make(number: int) -> Writer:
        place = TopicPartition(changelog, number)
        if settings.processing_guarantee == "exactly_once":
            return TransactionWriter(producer, place, partitions, timeout, settings.app_id)
        return PlainWriter(
            producer,
            place,
            partitions,
            timeout,
            app.consumer_service.thread.commit_offsets,
            offsets_first=settings.processing_guarantee == "at_most_once",
        )

    return make


@asynccontextmanager
async def _reader(settings: Settings) -> AsyncIterator[AIOKafkaConsumer]:
    consumer = AIOKafkaConsumer(
        bootstrap_servers=settings.broker,
        client_id=f"{settings.app_id}-restore",
        isolation_level="read_committed",
        enable_auto_commit=False,
        max_partition_fetch_bytes=4 * 1024 * 1024,
        fetch_max_wait_ms=50,
    )
    await consumer.start()
    try:
        yield consumer
    finally:
        await consumer.stop()
