"""Producing events: `EventProducer`, its partitioners, and replay of recorded files."""

from app.producer.errors import (
    BadEventError,
    BrokerUnreachableError,
    PartitionerRefusedError,
    ProduceError,
    RefusedError,
    TopicMissingError,
    UnacknowledgedError,
)
from app.producer.outcome import BatchResult, Compression, Event, Sent
from app.producer.partitioners import Partitioner, RoundRobin, by_key, murmur2, round_robin
from app.producer.producer import EventProducer
from app.producer.replay_options import Progress, ReplayOptions, ReplayResult
from app.producer.replaying import replay

__all__ = [
    "BadEventError",
    "BatchResult",
    "BrokerUnreachableError",
    "Compression",
    "Event",
    "EventProducer",
    "Partitioner",
    "PartitionerRefusedError",
    "ProduceError",
    "Progress",
    "RefusedError",
    "ReplayOptions",
    "ReplayResult",
    "RoundRobin",
    "Sent",
    "TopicMissingError",
    "UnacknowledgedError",
    "by_key",
    "murmur2",
    "replay",
    "round_robin",
]
