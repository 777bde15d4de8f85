"""The composition root: what a worker consists of, put together in one place."""

from collections.abc import Callable, Mapping, Sequence

from agents.topology import Topology
from app.connections import reader, unwatched, writers
from app.descriptors import Descriptors
from app.engine.acquire import Acquisition
from app.engine.buffer import Buffer
from app.engine.clock import Clock, SystemClock
from app.engine.engine import Engine
from app.engine.faust_app import PassThrough, StreamApp
from app.engine.fetch import records
from app.engine.partition_parts import Pace
from app.engine.parts import Parts
from app.engine.restore import Restorer
from app.engine.size_limits import SizeLimits
from app.engine.standing import standings
from app.engine.store.base import Store
from app.engine.store.memory import MemoryStore
from app.engine.store.rocks import RocksStore, shared_cache
from app.engine.topic_watch import Confirm
from app.observability.metrics import Metrics
from app.observability.progress import ProgressWatch
from app.observability.sensor import RebalanceSensor
from app.settings import Settings
from app.stamps import producers_stamps
from app.startup import limits, max_bytes
from app.topic_identity import IdentityReader, never_create
from app.topics_admin import TopicDescription, describe
from app.web.connections import Connections
from app.web.install import install_web
from models.topics import COMPUTATIONS, Direction

TABLE = "state"
# Decoded rows a table and partition keep between commits.
_CACHE_ROWS = 8192
_BLOCK_CACHE_MIB = 32


def changelog_topic(settings: Settings) -> str:
    """Name of the changelog of all tables: Faust's name for the table `state`."""
    return f"{settings.app_id}-{TABLE}-changelog"


def make_app(
    settings: Settings,
    topics: Mapping[str, TopicDescription],
    descriptors: Descriptors,
    clock: Clock | None = None,
    metrics: Metrics | None = None,
    confirm: Confirm = unwatched,
) -> StreamApp:
    """Make a worker's app; `topics`: as `check_topics` found them; `confirm`: see `writers`."""
    records.install(settings.record_bytes)
    never_create()
    clock, metrics = clock or SystemClock(), metrics or Metrics()
    topology = Topology(settings.catalogue(), settings.rules(), settings.max_future)
    partitions = topics[changelog := changelog_topic(settings)].partitions
    app = StreamApp(settings, topology.sources, changelog)
    _bind(app, topology, partitions)
    thread, sizes = app.consumer_service.thread, _sizes(settings, topics)
    parts = Parts(
        topology,
        Acquisition(settings, thread, topology.sources, _restorer(settings, topics, metrics)),
        _open_store(settings, descriptors.tables),
        writers(settings, thread.commit_offsets, changelog, partitions, sizes, confirm),
        app.deliver,
        _pace(settings),
        Buffer(settings.buffer_bytes),
        clock,
        metrics,
        sizes.by_topic,
        partitions,
        _CACHE_ROWS,
        changelog,
    )
    connections = Connections(descriptors.connections, metrics)
    _run(app, Engine(parts), settings, connections, _stamps(settings, topics))
    return app


def _stamps(settings: Settings, topics: Mapping[str, TopicDescription]) -> list[str]:
    configs = {name: topic.configs for name, topic in topics.items()}
    return list(producers_stamps(settings.catalogue(), configs))


def _run(
    app: StreamApp,
    engine: Engine,
    settings: Settings,
    connections: Connections,
    warnings: Sequence[str],
) -> None:
    """Have the app run the engine, and show what it does; `warnings`: for as long as it runs."""
    metrics = engine.parts.metrics
    app.sensors.add(RebalanceSensor(metrics))
    app.engine = engine
    topology = engine.parts.topology
    metrics.expect(topology.catalogue.names(Direction.INPUT), COMPUTATIONS)
    progress = ProgressWatch(
        lambda: standings(engine.tasks.values()), engine.parts.clock, settings.stalled_ms / 1000
    )

    def warned() -> list[str]:
        return [*warnings, *engine.misplaced.warnings()]

    install_web(app, settings, metrics, warned, progress, connections)


def _sizes(settings: Settings, topics: Mapping[str, TopicDescription]) -> SizeLimits:
    by_topic = limits(settings.catalogue(), changelog_topic(settings), topics)

    async def ask(topic: str) -> int:
        return max_bytes((await describe(settings.cluster, [topic]))[topic])

    return SizeLimits(by_topic, ask)


def _bind(app: StreamApp, topology: Topology, partitions: int) -> None:
    """Tell Faust of the table, and of each agent with its topics."""
    changelog = app.topic(app.changelog, partitions=partitions, acks=False)
    app.Table(TABLE, partitions=partitions, changelog_topic=changelog)
    for flow in topology.flows:
        channel = app.topic(*flow.topics, schema=PassThrough(), partitions=partitions)
        app.agent(channel, name=flow.name)(flow.agent)


def _pace(settings: Settings) -> Pace:
    return Pace(
        settings.commit_interval / 1000,
        settings.commit_records,
        settings.max_attempts,
        settings.dead_letter_run,
        settings.transaction_timeout / 1000,
    )


def _restorer(
    settings: Settings, topics: Mapping[str, TopicDescription], metrics: Metrics
) -> Restorer:
    changelog = changelog_topic(settings)
    return Restorer(
        changelog,
        lambda: reader(settings),
        IdentityReader(settings.cluster, [changelog]),
        int(topics[changelog].configs["delete.retention.ms"]),
        metrics,
    )


def _open_store(settings: Settings, tables: int) -> Callable[[int], Store]:
    if settings.store == "memory":
        return lambda number: MemoryStore()
    cache = shared_cache(_BLOCK_CACHE_MIB)
    folder = settings.data_dir / settings.app_id
    return lambda number: RocksStore(folder / f"partition-{number}", cache, tables)
