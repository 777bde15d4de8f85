"""Late records go to `late-events`, once for each computation that they were late for."""

from agents.partition import Partition
from models.dead_letters import late_headers
from models.outputs import Output
from models.records import Record
from tables.outcome import Late


class LateEvents:
    """Writes a partition's late events."""

    def __init__(self, partition: Partition, topic: str) -> None:
        """`topic`: the actual name of `late-events`."""
        self._send = partition.send
        self._topic = topic

    def write(self, source: Record, time: int, late: Late) -> None:
        """Write the record unchanged, with why it is late; `time`: its event time in ms."""
        headers = late_headers(source, late.computation, late.by, late.stream_time)
        self._send(Output(self._topic, source.partition, source.key, source.value, time, headers))
