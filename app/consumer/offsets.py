"""Which records are finished, and up to where that makes an offset safe to commit."""

from collections.abc import Iterable, Mapping

from aiokafka import TopicPartition


class _Place:
    """One partition: where reading goes on, and which of the records read are unfinished."""

    __slots__ = ("committed", "open", "read_to")

    def __init__(self, start: int, committed: int | None) -> None:
        self.read_to = start
        self.committed = committed
        # In offset order, since that is how records are read.
        self.open: dict[int, None] = {}

    @property
    def safe(self) -> int:
        return next(iter(self.open), self.read_to)


class Offsets:
    """The partitions assigned now. Records may be finished in any order."""

    def __init__(self) -> None:
        """No partition is assigned."""
        self._places: dict[TopicPartition, _Place] = {}
        self.finished = 0
        """Records finished since the last commit."""

    def start(self, place: TopicPartition, offset: int, committed: int | None) -> None:
        """Begin to read a partition at `offset`; `committed` is what the group has, if anything."""
        self._places[place] = _Place(offset, committed)

    def clear(self) -> None:
        """Forget all partitions: they belong to nobody, or to others."""
        self._places.clear()
        self.finished = 0

    def read(self, place: TopicPartition, offsets: Iterable[int], read_to: int) -> None:
        """Note records as read and unfinished; `read_to`: the offset to read next."""
        held = self._places[place]
        held.open.update(dict.fromkeys(offsets))
        held.read_to = read_to

    def finish(self, place: TopicPartition, offset: int) -> None:
        """Note a record as finished; a second time changes nothing."""
        held = self._places.get(place)
        if held is not None and offset in held.open:
            del held.open[offset]
            self.finished += 1

    def read_to(self) -> dict[TopicPartition, int]:
        """Where reading goes on, by partition."""
        return {place: held.read_to for place, held in self._places.items()}

    def due(self) -> dict[TopicPartition, int]:
        """What can be committed and is not: never past an unfinished record."""
        return {
            place: held.safe for place, held in self._places.items() if held.safe != held.committed
        }

    def committed(self, offsets: Mapping[TopicPartition, int]) -> None:
        """Note what the broker has taken."""
        for place, offset in offsets.items():
            if place in self._places:
                self._places[place].committed = offset
        self.finished = 0
