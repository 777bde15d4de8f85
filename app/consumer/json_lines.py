"""A record as one line of JSON, whatever is in it."""

from base64 import b64encode
from typing import Final

import msgspec

from app.consumer.message import Message
from models.times import iso

_BASE64: Final = "base64"


class _Header(msgspec.Struct, omit_defaults=True):
    name: str
    value: str | None
    encoding: str | None = None


class _Line(msgspec.Struct, omit_defaults=True):
    topic: str
    partition: int
    offset: int
    timestamp: str | None
    key: str | None
    value: msgspec.Raw
    headers: list[_Header]
    key_encoding: str | None = None
    value_encoding: str | None = None


class Place(msgspec.Struct):
    """Where the record of a line lies."""

    topic: str
    partition: int
    offset: int


_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Place).decode


def json_line(message: Message) -> bytes:
    """Give a record's line, its end included.

    `timestamp` is Kafka's, ISO 8601 in UTC, null where it has none. A value that is JSON stands as
    it was written, but for white space around line ends; another as base64, marked by
    `"value_encoding": "base64"`. Keys and headers are text, or base64 and marked alike.
    """
    key, key_encoding = _text(message.key)
    value, value_encoding = _value(message.value)
    headers = [_Header(name, *_text(content)) for name, content in message.headers]
    line = _Line(
        message.topic,
        message.partition,
        message.offset,
        iso(message.timestamp) if message.timestamp >= 0 else None,
        key,
        value,
        headers,
        key_encoding,
        value_encoding,
    )
    return _encode(line) + b"\n"


def place_of(line: bytes) -> Place:
    """Say which record a line is of. Raises ValueError for what `json_line` has not written."""
    return _decode(line)


def may_begin(tail: bytes, topic: str) -> bool:
    """Whether what has no line end can be the beginning of a line of this topic, cut anywhere."""
    start = b'{"topic":%b,"partition":' % _encode(topic)
    return tail.startswith(start) or start.startswith(tail)


def _text(content: bytes | None) -> tuple[str | None, str | None]:
    if content is None:
        return None, None
    try:
        return content.decode(), None
    except UnicodeDecodeError:
        return b64encode(content).decode(), _BASE64


def _value(value: bytes | None) -> tuple[msgspec.Raw, str | None]:
    if value is None:
        return msgspec.Raw(b"null"), None
    try:
        msgspec.json.decode(value)
        if b"\n" in value or b"\r" in value:
            value = msgspec.json.format(value, indent=-1)
    except (ValueError, RecursionError):
        return msgspec.Raw(_encode(b64encode(value).decode())), _BASE64
    return msgspec.Raw(value), None
