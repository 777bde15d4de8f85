"""How far each partition of this worker is, in each of its topics."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from app.engine.partition_task import PartitionTask


class Standing(NamedTuple):
    """One topic of one partition, as of the broker's last answer.

    `committed`: the next source offset. `lag`: records from there to the last stable offset,
    transaction markers counted. `oldest`: Kafka timestamp of the first of them, ms since the
    epoch, None while it has not been fetched.
    """

    topic: str
    partition: int
    committed: int
    lag: int
    oldest: int | None


def standings(tasks: Iterable[PartitionTask]) -> Iterator[Standing]:
    """Give one for each topic of which the broker has said where it ends."""
    for task in tasks:
        for topic, intake in task.intakes.items():
            if intake.stable_end is not None:
                committed = task.committed_offsets[topic]
                lag = max(intake.stable_end - committed, 0)
                yield Standing(topic, task.number, committed, lag, intake.oldest if lag else None)
