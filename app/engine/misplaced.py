"""Watches for keys that lie where murmur2 would not have put them (contract 2).

A record is taken where it lies, but views look for its user elsewhere, and a user's clicks and
purchases may never meet. librdkafka's default partitioner does that.
"""

import logging
from collections.abc import Sequence

from aiokafka import TopicPartition

from app.observability.metrics import Metrics
from app.producer.partitioners import by_key
from models.records import Record

log = logging.getLogger(__name__)


class MisplacedKeys:
    """Samples one record of each poll and partition of the keyed inputs."""

    def __init__(self, inputs: Sequence[str], partitions: int, metrics: Metrics) -> None:
        """`inputs`: the topics whose keys are user ids."""
        self._inputs = frozenset(inputs)
        self._partitions = partitions
        self._metrics = metrics
        self.topics: set[str] = set()

    def sample(self, tp: TopicPartition, record: Record) -> None:
        """Look at one record."""
        if tp.topic not in self._inputs or record.key is None:
            return
        if by_key(record.key, self._partitions) != tp.partition:
            self._metrics.misplaced(tp.topic, 1)
            if tp.topic not in self.topics:
                self.topics.add(tp.topic)
                log.error("%s", self.warning(tp.topic))

    def warning(self, topic: str) -> str:
        """Say what is wrong and what to do."""
        return (
            f"topic {topic} holds keys in other partitions than murmur2 gives: views will not "
            "find those users; set the producer's partitioner to murmur2 "
            "(librdkafka: partitioner=murmur2_random) and write the topic anew"
        )

    def warnings(self) -> list[str]:
        """Give a warning for each topic in which a misplaced key was seen."""
        return [self.warning(topic) for topic in sorted(self.topics)]
