"""Input records to events: `bytes -> decoded | rejected`, never raises (contract, section 2).

Each record is decoded by itself, typed, by msgspec; a batch shares only the screening below.
A record is taken on this fast path only where the outcome is beyond doubt, and `models.exact`
judges the rest. docs/decoding.md has the measurements and the reasons.

Beyond doubt means: msgspec skips unknown fields without checking that they are UTF-8, and how deep
it follows nesting depends on the stack, so `_screen` checks both. Numbers arrive as doubles. Scaled
to milliseconds they are off by less than 0.0005 up to 2**32 seconds and 2**42 milliseconds; scaled
to millionths by less than 0.13 up to 1e9 units and 0.0002 up to 2**20. So one that lies within
0.499 (0.37) of an integer rounds to it whatever its text was. Ranges keep off their ends and 0.
"""

from collections.abc import Callable, Mapping, Sequence
from math import floor
from typing import Any, Protocol

from msgspec import DecodeError, Struct
from msgspec.json import Decoder as JsonDecoder

from models.dead_letters import Rejected
from models.events import Click, Event, Purchase, UserEvent
from models.exact import MAX_USER_ID_BYTES, exact_click, exact_purchase, exact_user_event
from models.nesting import deeper_than
from models.records import Record
from models.strict_json import MAX_DEPTH

# TypeError: a null value, or one withheld by the screening. ValueError: a number that the fast path
# leaves alone. OverflowError: one that is infinite when scaled.
_DOUBTS = (DecodeError, RecursionError, TypeError, ValueError, OverflowError)
# Nesting deeper than MAX_DEPTH takes more bytes than this, an opening and a closing for each level;
# so does a user_id of more than MAX_USER_ID_BYTES, since no escape is shorter than its UTF-8.
_MAY_BE_LONG = min(2 * MAX_DEPTH, MAX_USER_ID_BYTES)
_SECONDS = 2.0**32
_MS_FROM = 1e11 + 1
_MS = 2.0**42
_MILLIONTHS = 1e15 - 1e6
_LEAST_MILLIONTHS = -_MILLIONTHS
_SMALL_MILLIONTHS = 2.0**20 * 1e6


class _Click(Struct, gc=False):
    user_id: str
    page: str
    timestamp: float


class _Purchase(Struct, gc=False):
    user_id: str
    product_id: str
    amount: float
    timestamp: float


class _UserEvent(Struct, gc=False):
    user_id: str
    action: str
    timestamp: float
    value: float | None = None
    page: str | None = None
    session_id: str | None = None


# Any: what they are given may be None, which they refuse with the TypeError that is caught.
_decode_click: Callable[[Any], _Click] = JsonDecoder(_Click).decode
_decode_purchase: Callable[[Any], _Purchase] = JsonDecoder(_Purchase).decode
_decode_user_event: Callable[[Any], _UserEvent] = JsonDecoder(_UserEvent).decode


def _utf8(value: bytes | None) -> bytes | None:
    try:
        value.decode()  # type: ignore[union-attr]
    except (AttributeError, UnicodeDecodeError):
        return None
    return value


def _within_limits(key: bytes | None, value: bytes | None) -> bytes | None:
    if value is None or len(value) <= _MAY_BE_LONG:
        return value
    if key is None or len(key) > MAX_USER_ID_BYTES:
        return None
    return None if deeper_than(MAX_DEPTH, value) else value


def _screen(records: Sequence[Record]) -> list[bytes | None]:
    """The values that are UTF-8 and surely within the limits of size; None for the others.

    The separator keeps a sequence of UTF-8 from going on in the next record.
    """
    values = [record.value for record in records]
    try:
        joined = b"\n".join(values)  # type: ignore[arg-type]
        if not joined.isascii():
            joined.decode()
    except (TypeError, UnicodeDecodeError):
        values = [_utf8(value) for value in values]
    if max(map(len, filter(None, values)), default=0) > _MAY_BE_LONG:
        pairs = zip(records, values, strict=True)
        return [_within_limits(record.key, value) for record, value in pairs]
    return values


def _small(scaled: float, millionths: int) -> bool:
    """Whether the wider bound for smaller amounts allows this rounding."""
    near = -0.499 < scaled - millionths < 0.499
    return near and -_SMALL_MILLIONTHS < scaled < _SMALL_MILLIONTHS


def decode_clicks(records: Sequence[Record], max_future_ms: int) -> list[Click | Rejected]:
    """One `Click` or `Rejected` for each record, in order.

    `max_future_ms`: how far an event time may lie ahead of the record's Kafka timestamp.
    """
    decoded: list[Click | Rejected] = []
    append = decoded.append
    for record, value in zip(records, _screen(records), strict=True):
        try:
            wire = _decode_click(value)
            user_id = wire.user_id
            key = record.key
            time = wire.timestamp
            if time < _SECONDS:
                time *= 1e3
            elif not _MS_FROM < time < _MS:
                raise ValueError
            ms = floor(time + 0.5)
            if (
                user_id.encode() == key
                and key
                and ms > 0
                and -0.499 < time - ms < 0.499
                and ms - max_future_ms <= record.timestamp > -1
            ):
                append(Click(user_id, wire.page, ms, record))
                continue
        except _DOUBTS:
            pass
        append(exact_click(record, max_future_ms))
    return decoded


def decode_purchases(records: Sequence[Record], max_future_ms: int) -> list[Purchase | Rejected]:
    """One `Purchase` or `Rejected` for each record, in order; see `decode_clicks`."""
    decoded: list[Purchase | Rejected] = []
    append = decoded.append
    for record, value in zip(records, _screen(records), strict=True):
        try:
            wire = _decode_purchase(value)
            user_id = wire.user_id
            key = record.key
            time = wire.timestamp
            if time < _SECONDS:
                time *= 1e3
            elif not _MS_FROM < time < _MS:
                raise ValueError
            ms = floor(time + 0.5)
            amount = wire.amount * 1e6
            millionths = floor(amount + 0.5)
            if (
                user_id.encode() == key
                and key
                and ms > 0
                and -0.499 < time - ms < 0.499
                and ms - max_future_ms <= record.timestamp > -1
                and amount > 0
                and (-0.37 < amount - millionths < 0.37 or _small(amount, millionths))
                and amount < _MILLIONTHS
            ):
                append(Purchase(user_id, wire.product_id, millionths, ms, record))
                continue
        except _DOUBTS:
            pass
        append(exact_purchase(record, max_future_ms))
    return decoded


def decode_user_events(records: Sequence[Record], max_future_ms: int) -> list[UserEvent | Rejected]:
    """One `UserEvent` or `Rejected` for each record, in order; see `decode_clicks`."""
    decoded: list[UserEvent | Rejected] = []
    append = decoded.append
    for record, value in zip(records, _screen(records), strict=True):
        try:
            wire = _decode_user_event(value)
            user_id, key, time = wire.user_id, record.key, wire.timestamp
            if time < _SECONDS:
                time *= 1e3
            elif not _MS_FROM < time < _MS:
                raise ValueError
            ms = floor(time + 0.5)
            if (
                user_id.encode() == key
                and key
                and ms > 0
                and -0.499 < time - ms < 0.499
                and ms - max_future_ms <= record.timestamp > -1
            ):
                millionths = None
                if wire.value is not None:
                    scaled = wire.value * 1e6
                    millionths = floor(scaled + 0.5)
                    if not _LEAST_MILLIONTHS < scaled < _MILLIONTHS:
                        raise ValueError
                    if not (-0.37 < scaled - millionths < 0.37 or _small(scaled, millionths)):
                        raise ValueError
                session = wire.session_id
                append(UserEvent(user_id, wire.action, ms, millionths, wire.page, session, record))
                continue
        except _DOUBTS:
            pass
        append(exact_user_event(record, max_future_ms))
    return decoded


class Decode(Protocol):
    """Decodes a batch of one topic: as many outcomes as records, in their order."""

    def __call__(self, records: Sequence[Record], max_future_ms: int) -> Sequence[Event | Rejected]:
        """Events and rejections; `max_future_ms` as in `decode_clicks`."""


DECODERS: Mapping[str, Decode] = {
    "clicks": decode_clicks,
    "purchases": decode_purchases,
    "user-events": decode_user_events,
}
"""By the topic's id in `models.topics`."""
