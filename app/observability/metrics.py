"""What a worker counts and measures: the only place that does (`catalogue.py` lists it)."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from operator import attrgetter

from prometheus_client import generate_latest

from app.keys import KeyFailure
from app.observability import catalogue
from app.observability.instruments import Instruments, Read
from models.dead_letters import ErrorType
from models.outputs import Output

Lag = tuple[str, int, int]
_topic = attrgetter("topic")


class Metrics:
    """A worker's metrics, in a registry of its own."""

    def __init__(self) -> None:
        """Register all but those that need somebody to ask: `watch` and the like."""
        self._made = Instruments()
        self.registry = self._made.registry
        self._count_work()
        self._count_trouble()
        self._count_restores()
        self._requests = self._made.counter(catalogue.HTTP_REQUESTS)
        self._request_seconds = self._made.histogram(catalogue.HTTP_SECONDS)
        self._key_failures = self._made.counter(catalogue.KEY_FAILURES)
        self._streams = self._made.gauge(catalogue.STREAMS)
        self._streams_ended = self._made.counter(catalogue.STREAMS_ENDED)
        self._connections_closed = self._made.counter(catalogue.HTTP_CONNECTIONS_CLOSED)
        self._reloads_failed = self._made.counter(catalogue.TLS_RELOADS_FAILED)
        self._store_waits = self._made.counter(catalogue.STORE_WAITS)

    def _count_work(self) -> None:
        made = self._made
        self._records = made.counter(catalogue.RECORDS)
        self._read = made.counter(catalogue.READ)
        self._written = made.counter(catalogue.WRITTEN)
        self._batch_seconds = made.histogram(catalogue.BATCH)
        self._commits = made.counter(catalogue.COMMITS)
        self._commit_seconds = made.histogram(catalogue.COMMIT)

    def _count_trouble(self) -> None:
        made = self._made
        self._dead_letters = made.counter(catalogue.DEAD_LETTERS)
        self._late_events = made.counter(catalogue.LATE_EVENTS)
        self._lost = made.counter(catalogue.LOST)
        self._rebalances = made.counter(catalogue.REBALANCES)
        self._rebalance_seconds = made.histogram(catalogue.REBALANCE)
        self._acquired = made.counter(catalogue.ACQUIRED)
        self._kept = made.counter(catalogue.KEPT)
        self._misplaced = made.counter(catalogue.MISPLACED)

    def _count_restores(self) -> None:
        made = self._made
        self._restored = made.counter(catalogue.RESTORED)
        self._restored_bytes = made.counter(catalogue.RESTORED_BYTES)
        self._restore_left = made.gauge(catalogue.RESTORE_LEFT)

    def watch(self, metric: catalogue.Metric, read: Read) -> None:
        """Ask `read` for a gauge's values whenever metrics are collected."""
        self._made.ask(metric, read)

    def watch_lag(self, read: Callable[[], Iterable[Lag]]) -> None:
        """Ask `read` for (topic, partition, records) whenever metrics are collected."""
        self.watch(
            catalogue.LAG_RECORDS,
            lambda: [((topic, str(number)), lag) for topic, number, lag in read()],
        )

    def watch_partitions(
        self, metric: catalogue.Metric, read: Callable[[], Mapping[int, float]]
    ) -> None:
        """Ask `read` for a gauge's values, by partition, whenever metrics are collected."""
        self.watch(metric, lambda: [((str(number),), value) for number, value in read().items()])

    def expect(self, inputs: Sequence[str], computations: Sequence[str]) -> None:
        """Show counts of 0 for what may go wrong: an increase from nothing is seen by no alert."""
        for failure in KeyFailure:
            self._key_failures.labels(failure.value)
        for topic in inputs:
            self._misplaced.labels(topic)
            for reason in ErrorType:
                self._dead_letters.labels(topic, reason.value)
        for computation in computations:
            self._late_events.labels(computation)

    def batch(self, agent: str) -> AbstractContextManager[object]:
        """Measure the handling of a batch."""
        return self._batch_seconds.labels(agent).time()

    def committed(self, partition: int, taken: Mapping[str, int], seconds: float) -> None:
        """Count a committed transaction; `taken`: source records by agent."""
        self._commits.labels(str(partition)).inc()
        for agent, records in taken.items():
            self._records.labels(agent).inc(records)
        self._commit_seconds.observe(seconds)

    def moved(self, read: Mapping[str, int], written: Iterable[Output]) -> None:
        """Count a committed transaction's records: those read by topic, and those written."""
        for topic, records in read.items():
            self._read.labels(topic).inc(records)
        for topic, records in Counter(map(_topic, written)).items():
            self._written.labels(topic).inc(records)

    def dead_letter(self, topic: str, reason: str) -> None:
        """Count a dead letter."""
        self._dead_letters.labels(topic, reason).inc()

    def late_event(self, computation: str) -> None:
        """Count a committed late event."""
        self._late_events.labels(computation).inc()

    def lost(self, partition: int) -> None:
        """Count a transaction that was lost and is done again."""
        self._lost.labels(str(partition)).inc()

    def rebalanced(self) -> None:
        """Count a rebalance."""
        self._rebalances.inc()

    def rebalance_took(self, seconds: float) -> None:
        """Note how long a rebalance took until all ran again."""
        self._rebalance_seconds.observe(seconds)

    def acquired(self, partition: int) -> None:
        """Count a partition that was acquired; it may be lost from then on (see `expect`)."""
        self._acquired.inc()
        self._lost.labels(str(partition))

    def kept(self, partitions: int) -> None:
        """Count partitions that a rebalance left where they were."""
        self._kept.inc(partitions)

    def misplaced(self, topic: str, records: int) -> None:
        """Count sampled records that lie in the wrong partition."""
        self._misplaced.labels(topic).inc(records)

    def restoring(self, partition: int, left: int) -> None:
        """Note how many of the changelog's offsets a restore has before it."""
        self._restore_left.labels(str(partition)).set(left)

    def restored(self, partition: int, records: int, size: int, left: int) -> None:
        """Count restored records and their `size` in bytes; `left`: see `restoring`."""
        self._restored.labels(str(partition)).inc(records)
        self._restored_bytes.labels(str(partition)).inc(size)
        self.restoring(partition, left)

    def answered(self, method: str, path: str, status: int, seconds: float | None) -> None:
        """Count an answered HTTP request; `path`: a route's, never a request's own.

        `seconds`: None where it says nothing, since the client chose how long it took.
        """
        self._requests.labels(method, path, str(status)).inc()
        if seconds is not None:
            self._request_seconds.labels(path).observe(seconds)

    def key_failed(self, reason: KeyFailure) -> None:
        """Count a request that is refused for its key, or another worker that is not trusted."""
        self._key_failures.labels(reason.value).inc()

    def streaming(self, clients: int) -> None:
        """Note how many clients watch live views."""
        self._streams.set(clients)

    def stream_ended(self, reason: str) -> None:
        """Count a stream that has ended, or was refused."""
        self._streams_ended.labels(reason).inc()

    def connection_closed(self, reason: str) -> None:
        """Count an HTTP connection that the server closed, or did not take."""
        self._connections_closed.labels(reason).inc()

    def reload_failed(self) -> None:
        """Count renewed TLS files that could not be used."""
        self._reloads_failed.inc()

    def store_waits(self) -> None:
        """Count a store that begins to wait for a file descriptor."""
        self._store_waits.inc()

    def text(self) -> bytes:
        """Give everything in Prometheus' text format."""
        return generate_latest(self.registry)
