"""Reads `late-events` back: who came late, for what, and by how much."""

from collections import Counter, deque
from collections.abc import Sequence
from typing import NamedTuple, Self

from app.cluster import Broker
from app.consumer import Message
from app.consumer.headers import HeaderTexts
from app.consumer.reading import records


class LateEvent(NamedTuple):
    """One record of `late-events`: times in ms, `by`: see `models.dead_letters.late_headers`."""

    user: str
    time: int
    computation: str
    by: int
    stream_time: int
    source: str
    message: Message

    @classmethod
    def of(cls, message: Message) -> Self:
        """Read its headers; what is missing is empty, or -1."""
        headers = HeaderTexts.of(message)
        place = [headers.text(f"source.{name}") for name in ("topic", "partition", "offset")]
        return cls(
            (message.key or b"").decode(errors="replace"),
            message.timestamp,
            headers.text("late.for"),
            headers.number("late.by"),
            headers.number("stream.time"),
            f"{place[0]}/{place[1]}@{place[2]}",
            message,
        )


class Wanted(NamedTuple):
    """Which late events to find; None for all."""

    computation: str | None
    user: str | None
    limit: int


class Found(NamedTuple):
    """`newest`: those that came last, by stream time; `counts`: of all wanted, by computation."""

    newest: Sequence[LateEvent]
    counts: Counter[str]


async def find_late(broker: Broker, topic: str, wanted: Wanted) -> Found:
    """Go through the topic up to its end as of now. Raises UserError when it cannot be read."""
    counts, newest = Counter[str](), dict[int, deque[LateEvent]]()
    async for message in records(broker, topic):
        late = LateEvent.of(message)
        if _matches(late, wanted):
            counts[late.computation] += 1
            newest.setdefault(message.partition, deque(maxlen=wanted.limit)).append(late)
    found = [late for kept in newest.values() for late in kept]
    found.sort(key=lambda late: late.stream_time)
    return Found(found[-wanted.limit :], counts)


def _matches(late: LateEvent, wanted: Wanted) -> bool:
    return (wanted.computation in (None, late.computation)) and wanted.user in (None, late.user)
