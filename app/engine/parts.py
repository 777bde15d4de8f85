"""What the engine is made of, put together by the composition root."""

from collections.abc import Callable

from agents.topology import Topology
from app.engine.acquire import Acquisition
from app.engine.buffer import Buffer
from app.engine.clock import Clock
from app.engine.partition_parts import Deliver, Pace
from app.engine.store.base import Store
from app.engine.writer import Writer
from app.observability.metrics import Metrics


class Parts:
    """Everything that a worker's partitions need of the outside."""

    def __init__(
        self,
        topology: Topology,
        acquisition: Acquisition,
        open_store: Callable[[int], Store],
        make_writer: Callable[[int], Writer],
        deliver: Deliver,
        pace: Pace,
        buffer: Buffer,
        clock: Clock,
        metrics: Metrics,
        limits: dict[str, int],
        partitions: int,
        cache_rows: int,
        changelog: str,
    ) -> None:
        """`limits`: `max.message.bytes` by topic written to; `partitions`: of every topic."""
        self.topology = topology
        self.acquisition = acquisition
        self.open_store = open_store
        self.make_writer = make_writer
        self.deliver = deliver
        self.pace = pace
        self.buffer = buffer
        self.clock = clock
        self.metrics = metrics
        self.limits = limits
        self.partitions = partitions
        self.cache_rows = cache_rows
        self.changelog = changelog
