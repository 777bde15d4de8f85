"""THE list of metrics: names, labels, meaning. docs/metrics.md is made from it.

Names follow Prometheus' rules: base units, `_total` for counters. No label holds a key or anything
else of a user: the values of a label are few, and known beforehand.
"""

from enum import StrEnum
from typing import Final, NamedTuple


class Kind(StrEnum):
    """How a metric moves."""

    COUNTER = "counter"
    GAUGE = "gauge"
    HISTOGRAM = "histogram"


class Metric(NamedTuple):
    """One metric; `name` without `streamjoin_` and, of a counter, without `_total`.

    `buckets`: of a histogram, in seconds.
    """

    name: str
    kind: Kind
    text: str
    labels: tuple[str, ...] = ()
    buckets: tuple[float, ...] = ()

    @property
    def full_name(self) -> str:
        """As it is scraped."""
        return f"{PREFIX}{self.name}" + ("_total" if self.kind is Kind.COUNTER else "")


PREFIX: Final = "streamjoin_"
_SHORT = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10)
_COMMIT = (0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
_LONG = (0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300)


def _counter(name: str, text: str, *labels: str) -> Metric:
    return Metric(name, Kind.COUNTER, text, labels)


def _gauge(name: str, text: str, *labels: str) -> Metric:
    return Metric(name, Kind.GAUGE, text, labels)


def _histogram(name: str, text: str, buckets: tuple[float, ...], *labels: str) -> Metric:
    return Metric(name, Kind.HISTOGRAM, text, labels, buckets)


READY = _gauge("ready", "1 while `/readyz` answers 200, else 0.")
PARTITIONS = _gauge(
    "partitions",
    "Partitions of this worker by `state`: assigned, running, restoring, standing, standby.",
    "state",
)
TOPIC_PARTITIONS = _gauge(
    "topic_partitions", "Partitions that every keyed topic has: what all workers share."
)
STATE = _gauge(
    "partition_state",
    "1 for the `state` that a running partition is in: ok, slow or stalled.",
    "partition",
    "state",
)
RECORDS = _counter(
    "records", "Records committed, valid or not, by the agent that took them.", "agent"
)
READ = _counter("read_records", "Source records committed, by topic.", "topic")
WRITTEN = _counter("written_records", "Records that committed transactions wrote.", "topic")
BATCH = _histogram("batch_seconds", "Time in which an agent handles a batch.", _SHORT, "agent")
COMMITS = _counter("commits", "Committed transactions.", "partition")
COMMIT = _histogram(
    "commit_seconds", "Duration of a commit, from its start to the end of the store write.", _COMMIT
)
LAG_RECORDS = _gauge(
    "lag_records",
    "Records up to the last stable offset that are not committed yet, transaction markers counted.",
    "topic",
    "partition",
)
LAG_SECONDS = _gauge(
    "lag_seconds",
    "How long the first record that is not committed has been in its topic, by its Kafka "
    "timestamp; 0 where there is none.",
    "topic",
    "partition",
)
GONE = _gauge(
    "gone_records",
    "Offsets deleted before they were read, in a partition that stands because of that; 0 where "
    "its topic ends before what is to be read next.",
    "topic",
    "partition",
)
DEAD_LETTERS = _counter("dead_letters", "Records written to dead-letters.", "topic", "reason")
LATE_EVENTS = _counter("late_events", "Records written to late-events.", "computation")
MISPLACED = _counter(
    "misplaced_keys",
    "Sampled records whose key murmur2 would have put in another partition.",
    "topic",
)
LOST = _counter(
    "transactions_lost",
    "Transactions that failed or were fenced, and were done again after the partition was acquired "
    "anew.",
    "partition",
)
REBALANCES = _counter("rebalances", "Rebalances of the group.")
REBALANCE = _histogram(
    "rebalance_seconds", "From a rebalance's start until all that is assigned runs again.", _LONG
)
ACQUIRED = _counter(
    "partitions_acquired", "Partitions acquired: fenced, restored, read from their offsets."
)
KEPT = _counter(
    "partitions_kept", "Partitions that stayed in a rebalance, with all that was in hand."
)
STATE_BYTES = _gauge(
    "state_bytes", "Size of a partition's local state, as the store estimates it.", "partition"
)
DATA_FREE = _gauge(
    "data_free_bytes", "Bytes that the volume of the data folder still has for this worker."
)
DATA_SIZE = _gauge("data_size_bytes", "Bytes that the volume of the data folder has in all.")
RESTORED = _counter(
    "restore_records", "Changelog records applied to a store while restoring.", "partition"
)
RESTORED_BYTES = _counter("restore_bytes", "Bytes of keys and values of these.", "partition")
RESTORE_LEFT = _gauge(
    "restore_remaining_records", "Changelog offsets that are still to be restored.", "partition"
)
STANDBY_LAG = _gauge(
    "standby_lag_records",
    "Changelog records that this worker's copy of another's partition lacks.",
    "partition",
)
STANDBY_SECONDS = _gauge(
    "standby_lag_seconds",
    "How long ago this worker's copy of another's partition was last seen complete; since it is "
    "kept, where it never was.",
    "partition",
)
HTTP_REQUESTS = _counter(
    "http_requests",
    "HTTP requests answered. `path`: as in OpenAPI, its parameters by name; else other.",
    "method",
    "path",
    "status",
)
HTTP_SECONDS = _histogram(
    "http_request_seconds",
    "From a request's head to the end of its answer; /v1/stream, which has no end, is left out.",
    _SHORT,
    "path",
)
KEY_FAILURES = _counter(
    "key_failures",
    "Requests refused for their key, and other workers not trusted, by `reason`. Of clients: "
    "missing, malformed, unknown, scope. Of who asks as a worker: peer-missing, peer-malformed, "
    "peer-time (its clock differs by more than a minute), peer-proof. Of workers that were to be "
    "asked: peer-advertisement, peer-answer.",
    "reason",
)
STREAMS = _gauge("stream_clients", "Clients that watch live views of this worker.")
STREAMS_ENDED = _counter(
    "streams_ended",
    "Streams of live views that ended, by `reason`: gone, slow-client, shutdown; or were refused.",
    "reason",
)

HTTP_CONNECTIONS = _gauge(
    "http_connections",
    "HTTP connections that are open, by `kind`: keyed (has shown a key), unkeyed.",
    "kind",
)
HTTP_CONNECTIONS_LIMIT = _gauge(
    "http_connections_limit", "How many there may be: `web_connections`, or what descriptors allow."
)
HTTP_CONNECTIONS_CLOSED = _counter(
    "http_connections_closed",
    "HTTP connections that the worker closed or refused, by `reason`: room (for a new one), idle, "
    "slow-head, large-head, slow-reader, refused (no room), no-descriptor.",
    "reason",
)
TLS_RELOADS_FAILED = _counter(
    "tls_reloads_failed", "Renewed TLS files that could not be used: the former ones stay in use."
)
STORE_WAITS = _counter(
    "store_waits", "Times that a store got no file descriptor and began to wait for one."
)
STORES_WAITING = _gauge(
    "stores_waiting", "Partitions of this worker whose stores wait for a file descriptor."
)

METRICS: Final = tuple(value for value in globals().values() if isinstance(value, Metric))
"""All of them, in this order."""

PROCESS: Final = {
    "process_cpu_seconds_total": "CPU time of the process.",
    "process_max_fds": "How many files it may have open.",
    "process_open_fds": "How many files it has open.",
    "process_resident_memory_bytes": "Its memory that is in RAM.",
    "process_start_time_seconds": "When it started, seconds since the epoch.",
    "process_virtual_memory_bytes": "Its memory that is mapped.",
}
"""What prometheus_client tells of the process itself (on Linux)."""
