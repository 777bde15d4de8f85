"""Input records to events: `bytes -> decoded | rejected`, never raises (contract, section 2).

Each record is decoded by itself, typed, by msgspec; a batch shares only the screening below.
A record is taken on this fast path only where the outcome is beyond doubt, and `models.exact`
judges the rest. docs/decoding.md has the measurements and the reasons.

Beyond doubt means: msgspec skips unknown fields without checking that they are UTF-8, and how deep
it follows nesting depends on the stack, so `_screen` checks both. Numbers arrive as doubles; scaled
to milliseconds or millionths they are off by less than 0.02 and 0.13, so one that lies within 0.48
and 0.37 of an integer rounds to it whatever its text was. Ranges keep off their ends, 0 included.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from msgspec import DecodeError, Struct
from msgspec.json import Decoder as JsonDecoder

from models.dead_letters import Rejected
from models.events import Click, Event, Purchase, UserEvent
from models.exact import (
    CLICK_FIELDS,
    MAX_DEPTH,
    MAX_USER_ID_BYTES,
    PURCHASE_FIELDS,
    USER_EVENT_FIELDS,
    examine,
)
from models.money import to_millionths
from models.records import Record

# TypeError: a null value, or one withheld by the screening. ValueError: a timestamp that is left
# as NaN; UnicodeError is one too.
_DOUBTS = (DecodeError, RecursionError, TypeError, ValueError)
# Deeper nesting than MAX_DEPTH takes at least this many bytes: an opening and a closing for each.
_MAY_BE_DEEP = 2 * MAX_DEPTH
# Limits of the fast path: seconds keep off 1e11, above which a number is in milliseconds.
_SECONDS = 1e11 - 1
_SECONDS_END = 1e11 + 1
_MS = 1e13
_MILLIONTHS = 1e15 - 1e6
_NAN = float("nan")


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


def _screened(value: bytes | None) -> bytes | None:
    if value is None or value.count(b"[") + value.count(b"{") > MAX_DEPTH:
        return None
    try:
        value.decode()
    except UnicodeDecodeError:
        return None
    return value


def _screen(records: Sequence[Record]) -> list[bytes | None]:
    """The values that are UTF-8 and surely not too deep; None for the others.

    The separator keeps a sequence of UTF-8 from going on in the next record.
    """
    values = [record.value for record in records]
    try:
        joined = b"\n".join(values)  # type: ignore[arg-type]
        if not joined.isascii():
            joined.decode()
    except (TypeError, UnicodeDecodeError):
        return [_screened(value) for value in values]
    if len(joined) > _MAY_BE_DEEP and max(map(len, values)) > _MAY_BE_DEEP:  # type: ignore[arg-type]
        return [_screened(value) for value in values]
    return values


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
            time = (
                time * 1e3 if 0 < time < _SECONDS else time if _SECONDS_END < time < _MS else _NAN
            )
            ms = round(time)
            if (
                user_id.encode() == key
                and 0 < len(key) <= MAX_USER_ID_BYTES
                and -0.48 < time - ms < 0.48
                and ms - record.timestamp <= max_future_ms
            ):
                append(Click(user_id, wire.page, ms, record))
                continue
        except _DOUBTS:
            pass
        append(_exact_click(record, max_future_ms))
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
            time = (
                time * 1e3 if 0 < time < _SECONDS else time if _SECONDS_END < time < _MS else _NAN
            )
            ms = round(time)
            amount = wire.amount * 1e6
            millionths = round(amount)
            if (
                user_id.encode() == key
                and 0 < len(key) <= MAX_USER_ID_BYTES
                and -0.48 < time - ms < 0.48
                and ms - record.timestamp <= max_future_ms
                and 0 < amount < _MILLIONTHS
                and -0.37 < amount - millionths < 0.37
            ):
                append(Purchase(user_id, wire.product_id, millionths, ms, record))
                continue
        except _DOUBTS:
            pass
        append(_exact_purchase(record, max_future_ms))
    return decoded


def decode_user_events(records: Sequence[Record], max_future_ms: int) -> list[UserEvent | Rejected]:
    """One `UserEvent` or `Rejected` for each record, in order; see `decode_clicks`."""
    decoded: list[UserEvent | Rejected] = []
    append = decoded.append
    for record, value in zip(records, _screen(records), strict=True):
        try:
            wire = _decode_user_event(value)
            user_id = wire.user_id
            key = record.key
            time = wire.timestamp
            time = (
                time * 1e3 if 0 < time < _SECONDS else time if _SECONDS_END < time < _MS else _NAN
            )
            ms = round(time)
            if (
                user_id.encode() == key
                and 0 < len(key) <= MAX_USER_ID_BYTES
                and -0.48 < time - ms < 0.48
                and ms - record.timestamp <= max_future_ms
            ):
                millionths = None
                if wire.value is not None:
                    scaled = wire.value * 1e6
                    millionths = round(scaled)
                    if not (
                        -_MILLIONTHS < scaled < _MILLIONTHS and -0.37 < scaled - millionths < 0.37
                    ):
                        raise ValueError
                append(
                    UserEvent(
                        user_id, wire.action, ms, millionths, wire.page, wire.session_id, record
                    )
                )
                continue
        except _DOUBTS:
            pass
        append(_exact_user_event(record, max_future_ms))
    return decoded


def _exact_click(record: Record, max_future_ms: int) -> Click | Rejected:
    found = examine(record, CLICK_FIELDS, max_future_ms)
    if isinstance(found, Rejected):
        return found
    return Click(found.text("user_id"), found.text("page"), found.timestamp, record)


def _exact_purchase(record: Record, max_future_ms: int) -> Purchase | Rejected:
    found = examine(record, PURCHASE_FIELDS, max_future_ms)
    if isinstance(found, Rejected):
        return found
    amount = to_millionths(found.number("amount"))
    return Purchase(
        found.text("user_id"), found.text("product_id"), amount, found.timestamp, record
    )


def _exact_user_event(record: Record, max_future_ms: int) -> UserEvent | Rejected:
    found = examine(record, USER_EVENT_FIELDS, max_future_ms)
    if isinstance(found, Rejected):
        return found
    value = found.numbers["value"]
    return UserEvent(
        found.text("user_id"),
        found.text("action"),
        found.timestamp,
        None if value is None else to_millionths(value),
        found.texts["page"],
        found.texts["session_id"],
        record,
    )


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
