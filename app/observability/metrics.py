"""Every metric of a worker, in one place; code elsewhere cannot emit another.

No metric carries a key or anything of a user.
"""

from collections.abc import Callable, Iterable, Mapping

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

Lag = tuple[str, int, int]
_COMMIT_SECONDS = (0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)


class _LagCollector(Collector):
    def __init__(self, read: Callable[[], Iterable[Lag]]) -> None:
        self._read = read

    def collect(self) -> Iterable[GaugeMetricFamily]:
        family = GaugeMetricFamily(
            "streamjoin_lag_records",
            "Records up to the last stable offset that are not committed yet.",
            labels=["topic", "partition"],
        )
        for topic, partition, lag in self._read():
            family.add_metric([topic, str(partition)], lag)
        yield family


class _StandbyCollector(Collector):
    def __init__(self, read: Callable[[], Mapping[int, int]]) -> None:
        self._read = read

    def collect(self) -> Iterable[GaugeMetricFamily]:
        family = GaugeMetricFamily(
            "streamjoin_standby_lag_records",
            "Changelog records that this worker's copy of another's partition lacks.",
            labels=["partition"],
        )
        for partition, lag in self._read().items():
            family.add_metric([str(partition)], lag)
        yield family


class Metrics:
    """A worker's metrics, in a registry of its own."""

    def __init__(self) -> None:
        """Register all but the lag, which needs somebody to ask: `watch_lag`."""
        self.registry = CollectorRegistry()
        self._count_work()
        self._count_trouble()
        self._count_restores()

    def _count_work(self) -> None:
        self._records = self._counter(
            "records", "Records committed, valid or not, by the agent that took them.", "agent"
        )
        self._commits = self._counter("commits", "Committed transactions.", "partition")
        self._commit_seconds = Histogram(
            "streamjoin_commit_seconds",
            "Duration of a commit, from its start to the end of the store write.",
            buckets=_COMMIT_SECONDS,
            registry=self.registry,
        )

    def _count_trouble(self) -> None:
        self._dead_letters = self._counter(
            "dead_letters", "Records written to dead-letters.", "topic", "reason"
        )
        self._late_events = self._counter(
            "late_events", "Records written to late-events.", "computation"
        )
        self._lost = self._counter(
            "transactions_lost", "Transactions that failed or were fenced, and were done again."
        )
        self._rebalances = self._counter("rebalances", "Rebalances of the group.")
        self._acquired = self._counter(
            "partitions_acquired", "Partitions acquired: fenced, restored, read from their offsets."
        )
        self._kept = self._counter(
            "partitions_kept", "Partitions that stayed in a rebalance, with all that was in hand."
        )
        self._misplaced = self._counter(
            "misplaced_keys",
            "Sampled records whose key murmur2 would have put in another partition.",
            "topic",
        )

    def _count_restores(self) -> None:
        self._restored = self._counter(
            "restore_records", "Changelog records applied to a store while restoring.", "partition"
        )
        self._restored_bytes = self._counter(
            "restore_bytes", "Bytes of keys and values of these records.", "partition"
        )
        self._restore_left = Gauge(
            "streamjoin_restore_remaining_records",
            "Offsets of the changelog that are still to be restored.",
            ["partition"],
            registry=self.registry,
        )

    def _counter(self, name: str, text: str, *labels: str) -> Counter:
        return Counter(f"streamjoin_{name}", text, labels, registry=self.registry)

    def watch_lag(self, read: Callable[[], Iterable[Lag]]) -> None:
        """Ask `read` for (topic, partition, records) whenever metrics are collected."""
        self.registry.register(_LagCollector(read))

    def watch_standbys(self, read: Callable[[], Mapping[int, int]]) -> None:
        """Ask `read` for the copies' lags, by partition, whenever metrics are collected."""
        self.registry.register(_StandbyCollector(read))

    def committed(self, partition: int, taken: Mapping[str, int], seconds: float) -> None:
        """Count a committed transaction; `taken`: source records by agent."""
        self._commits.labels(str(partition)).inc()
        for agent, records in taken.items():
            self._records.labels(agent).inc(records)
        self._commit_seconds.observe(seconds)

    def dead_letter(self, topic: str, reason: str) -> None:
        """Count a dead letter."""
        self._dead_letters.labels(topic, reason).inc()

    def late_event(self, computation: str) -> None:
        """Count a committed late event."""
        self._late_events.labels(computation).inc()

    def lost(self) -> None:
        """Count a transaction that was lost and is done again."""
        self._lost.inc()

    def rebalanced(self) -> None:
        """Count a rebalance."""
        self._rebalances.inc()

    def acquired(self) -> None:
        """Count a partition that was acquired."""
        self._acquired.inc()

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

    def text(self) -> bytes:
        """Give everything in Prometheus' text format."""
        return generate_latest(self.registry)
