"""The offsets that the state holds: each partition's newest metadata row, from the changelog."""

from collections.abc import Iterable

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from app.connections import reader
from app.engine.metadata import KEY, LAYOUT, Metadata
from app.errors import UserError
from app.groups.plan import ends
from app.settings import Settings

# Offsets from the end that are looked through first, then so many times as many: every transaction
# writes the row last.
_LAST = 64
_MORE = 16
_WAIT_MS = 100


async def stored_rows(
    settings: Settings, changelog: str, numbers: Iterable[int]
) -> dict[int, Metadata | None]:
    """Give the row of each of these partitions, None where there is none. Raises UserError."""
    wanted = [TopicPartition(changelog, number) for number in numbers]
    end, first = await ends(settings, wanted), await ends(settings, wanted, first=True)
    rows: dict[int, Metadata | None] = {}
    try:
        async with reader(settings) as consumer:
            for tp in wanted:
                rows[tp.partition] = await _newest(consumer, tp, first[tp], end[tp])
    except KafkaError as error:
        raise UserError(f"the changelog {changelog} cannot be read: {error!r}") from error
    return rows


async def _newest(
    consumer: AIOKafkaConsumer, tp: TopicPartition, first: int, end: int
) -> Metadata | None:
    start, length = end, _LAST
    while start > first:
        before, start = start, max(first, end - length)
        length *= _MORE
        if found := await _last_row(consumer, tp, start, before):
            return found
    return None


async def _last_row(
    consumer: AIOKafkaConsumer, tp: TopicPartition, start: int, end: int
) -> Metadata | None:
    """Give the last metadata row between two offsets."""
    found: bytes | None = None
    consumer.assign([tp])
    consumer.seek(tp, start)
    while await consumer.position(tp) < end:
        fetched = await consumer.getmany(tp, timeout_ms=_WAIT_MS)
        for record in fetched.get(tp, ()):
            if record.key == KEY and record.offset < end:
                found = record.value
    return Metadata.decode(found)


def unusable(number: int, row: Metadata) -> str | None:
    """Say why a row's state cannot be gone on with by this version; None where it can."""
    if row.layout == 0:
        return "a `streamjoin groups reset-offsets` was broken off: run it again to its end"
    if row.layout != LAYOUT:
        return f"partition {number} has a state of layout {row.layout}, this version has {LAYOUT}"
    return None
