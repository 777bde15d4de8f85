"""What a partition's task is given and gives: its pace, its source, news of its commits."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

from agents.topology import Flow, Topology
from app.engine.batches import EventBatch
from app.engine.buffer import Buffer
from app.engine.clock import Clock
from app.engine.commit_gate import CommitGate
from app.observability.metrics import Metrics
from models.outputs import Output

Deliver = Callable[[Flow, int, EventBatch[Any]], Awaitable[None]]


class Pace(NamedTuple):
    """When to commit: `interval` in seconds, `records` at most a transaction.

    `max_attempts` at a record whose handling raises; `dead_letter_run`: 0 for no limit; `timeout`:
    seconds after which a commit is lost.
    """

    interval: float
    records: int
    max_attempts: int
    dead_letter_run: int = 0
    timeout: float = 12.0


class Committed(NamedTuple):
    """What a commit listener is told of a transaction; it must not wait.

    `read`: records by topic. `before` and `offsets`: next source offset by
    topic, before and after it. `changes`: rows by key, None: deleted. `outputs`: what it wrote.
    """

    partition: int
    read: Mapping[str, int]
    before: Mapping[str, int]
    offsets: Mapping[str, int]
    changes: Sequence[tuple[bytes, bytes | None]]
    outputs: Sequence[Output]


class Source(Protocol):
    """Where a partition's records come from, to be set back."""

    async def rewind(self, number: int, offsets: Mapping[str, int]) -> None:
        """Hold the partition's topics and read on from these offsets after `release`."""

    async def release(self, number: int) -> None:
        """Fetch the partition's topics again."""


class Surroundings(NamedTuple):
    """What a worker's partitions share. `on_commit` is told of each commit."""

    topology: Topology
    source: Source
    deliver: Deliver
    on_commit: Callable[[Committed], None]
    pace: Pace
    gate: CommitGate
    buffer: Buffer
    clock: Clock
    metrics: Metrics
