"""Events as JSON bytes: read the key and the time, stamp what is missing, move in time."""

import json
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

import msgspec

from app.producer.errors import BadEventError
from models.times import MILLISECONDS_ABOVE

LAST_TIME_MS: Final = 253_402_300_799_999
"""The end of the year 9999; a time beyond it is not used to order or move events."""


class _Head(msgspec.Struct):
    user_id: Any = None
    timestamp: Any = msgspec.UNSET


class Head(NamedTuple):
    """What producing needs to know of an event.

    `key` is the user id as UTF-8, `stamped` whether there is a `timestamp` at all, `time_ms`
    the event time in milliseconds since the epoch, None where `timestamp` is no usable number.
    """

    key: bytes | None
    stamped: bool
    time_ms: int | None


decode_head = msgspec.json.Decoder(_Head).decode
"""Decodes the fields that producing needs; raises one of `NOT_DECODABLE`."""
NOT_DECODABLE: Final = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
NO_KEY: Final = "no user_id (a string) to key by"

_decode_raw = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_encode = msgspec.json.Encoder().encode


def event_time_ms(timestamp: object) -> int | None:
    """Return the event time in milliseconds of a `timestamp` value (contract 2), or None.

    >>> event_time_ms(1470034812.5), event_time_ms(1470034812500), event_time_ms("soon")
    (1470034812500, 1470034812500, None)
    """
    if type(timestamp) is not float and type(timestamp) is not int:
        return None
    if not 0 <= timestamp <= LAST_TIME_MS:
        return None
    return round(timestamp if timestamp > MILLISECONDS_ABOVE else timestamp * 1000)


def read_head(value: bytes) -> Head:
    """Return key and time of an event given as JSON.

    Raises `BadEventError` when it is not a JSON object.
    """
    try:
        head = decode_head(value)
    except NOT_DECODABLE as error:
        raise BadEventError(why_not_event(error)) from None
    user_id, timestamp = head.user_id, head.timestamp
    key = user_id.encode() if type(user_id) is str else None
    return Head(key, timestamp is not msgspec.UNSET, event_time_ms(timestamp))


def utf8_key(key: str) -> bytes:
    """Return a given key as UTF-8. Raises `BadEventError` for lone surrogates."""
    try:
        return key.encode()
    except UnicodeEncodeError as error:
        raise BadEventError(f"the key is not valid text: {error}") from None


def why_not_event(error: Exception) -> str:
    """Say in a few words why bytes are no JSON object, from what decoding them raised."""
    if isinstance(error, RecursionError):
        return "JSON nested too deeply to find the user_id"
    if isinstance(error, msgspec.ValidationError):
        return "not a JSON object"
    return f"not JSON: {error}"


def with_timestamp(value: bytes, timestamp: float) -> bytes:
    """Return the event with `timestamp` set; all other values keep their exact text.

    `timestamp` is in the unit that is to be written. Raises `BadEventError` if `value` is not a
    JSON object.
    """
    try:
        fields = _decode_raw(value)
    except NOT_DECODABLE as error:
        raise BadEventError(why_not_event(error)) from None
    fields["timestamp"] = msgspec.Raw(_encode(timestamp))
    return _encode(fields)


def to_json(event: Mapping[str, Any]) -> bytes:
    """Return an event as UTF-8 JSON.

    Raises `BadEventError` for what JSON or UTF-8 does not have: NaN, infinities, lone
    surrogates, other types.
    """
    try:
        text = json.dumps(event, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
        return text.encode()
    except (TypeError, ValueError, RecursionError) as error:
        raise BadEventError(f"the event cannot be written as JSON: {error}") from None
