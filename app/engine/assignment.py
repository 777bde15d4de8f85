"""Which partitions an assignment gives this worker."""

from collections.abc import Sequence

from faust.types import TP

from app.engine.errors import LostError


def assigned_partitions(assigned: set[TP], sources: Sequence[str]) -> set[int]:
    """Give the partition numbers whose source topics are all assigned here.

    Raises LostError if some topic's partition went to another worker than the rest.
    """
    numbers = [{tp.partition for tp in assigned if tp.topic == topic} for topic in sources]
    together = set.intersection(*numbers)
    if any(found != together for found in numbers):
        raise LostError("the topics' partitions were not assigned together")
    return together
