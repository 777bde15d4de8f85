"""The messages of the internal topic of revenue partials (contract 4, revenue)."""

from collections.abc import Sequence

import msgspec

from models.dead_letters import ErrorType, Rejected
from models.records import Record, WithheldRecord

STREAM_TIME_KEY = b"stream-time"


class _Message(msgspec.Struct, omit_defaults=True):
    partition: int
    window_start: int | None = None
    revenue: int = 0
    purchases: int = 0
    stream_time: int | None = None


class Partial(msgspec.Struct, frozen=True, gc=False):
    """The absolute sum of a window in a source partition: `revenue` in millionths."""

    partition: int
    window_start: int
    revenue: int
    purchases: int
    source: Record


class SourceTime(msgspec.Struct, frozen=True, gc=False):
    """How far (ms) the revenue's stream time of a source partition has come."""

    partition: int
    stream_time: int
    source: Record


_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(_Message).decode


def partial_value(source: int, start: int, revenue: int, purchases: int) -> bytes:
    """Give the bytes of a `Partial`."""
    return _encode(_Message(source, start, revenue, purchases))


def stream_time_value(source: int, stream_time: int) -> bytes:
    """Give the bytes of a `SourceTime`."""
    return _encode(_Message(source, stream_time=stream_time))


def decode_partials(
    records: Sequence[Record], max_future_ms: int
) -> list[Partial | SourceTime | Rejected]:
    """Decode what `partial_value` and `stream_time_value` made, foreign records as `Rejected`."""
    return [_one(record) for record in records]


def _one(record: Record) -> Partial | SourceTime | Rejected:
    if isinstance(record, WithheldRecord):
        return Rejected(ErrorType.TOO_LARGE, "not a partial sum of this service", record)
    if record.value is None:
        return Rejected(ErrorType.NULL_VALUE, "a partial sum without a value", record)
    try:
        message = _decode(record.value)
    except (msgspec.DecodeError, RecursionError):
        return Rejected(ErrorType.NOT_JSON, "not a partial sum of this service", record)
    if message.stream_time is not None:
        return SourceTime(message.partition, message.stream_time, record)
    if message.window_start is None or message.window_start < 0:
        return Rejected(ErrorType.MISSING_FIELD, "neither a window nor a stream time", record)
    start, revenue = message.window_start, message.revenue
    return Partial(message.partition, start, revenue, message.purchases, record)
