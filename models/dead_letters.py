"""Why a record was refused or came late, and the headers that say so (contract, section 2)."""

from enum import StrEnum
from hashlib import sha256

from msgspec import Struct

from models.records import Record, WithheldRecord

Headers = list[tuple[str, bytes]]


class ErrorType(StrEnum):
    """Values of the header `error.type`, in the order in which a record is checked."""

    NULL_KEY = "null-key"
    NULL_VALUE = "null-value"
    NOT_JSON = "not-json"
    NOT_OBJECT = "not-object"
    MISSING_FIELD = "missing-field"
    WRONG_TYPE = "wrong-type"
    OUT_OF_RANGE = "out-of-range"
    KEY_MISMATCH = "key-mismatch"
    FUTURE = "future"
    NO_TIMESTAMP = "no-timestamp"
    HANDLER = "handler"
    TOO_LARGE = "too-large"


class Rejected(Struct, frozen=True, gc=False, eq=False):
    """A record that becomes a dead letter.

    `message` is for people and goes into a header: it names fields and rules, and never holds
    contents of the record.
    """

    error: ErrorType
    message: str
    source: Record


def source_headers(source: Record) -> Headers:
    """`source.topic`, `source.partition`, `source.offset`: where a record came from."""
    return [
        ("source.topic", source.topic.encode()),
        ("source.partition", b"%d" % source.partition),
        ("source.offset", b"%d" % source.offset),
    ]


def dead_letter_headers(rejected: Rejected, failed_at_ms: int) -> Headers:
    """The seven headers of a dead letter. `failed_at_ms`: wall clock, milliseconds."""
    return [
        ("error.type", rejected.error.value.encode()),
        ("error.message", rejected.message.encode(errors="replace")),
        *source_headers(rejected.source),
        ("source.timestamp", b"%d" % rejected.source.timestamp),
        ("failed.at", b"%d" % failed_at_ms),
    ]


def late_headers(source: Record, late_for: str, late_by_ms: int, stream_time_ms: int) -> Headers:
    """The headers of a late event.

    `late_for`: the computation, one of `models.topics.COMPUTATIONS`. `late_by_ms`: how far the
    record's event time lies behind the computation's stream time. `stream_time_ms`: that stream
    time, after the record had moved it.
    """
    return [
        *source_headers(source),
        ("source.timestamp", b"%d" % source.timestamp),
        ("late.for", late_for.encode()),
        ("late.by", b"%d" % late_by_ms),
        ("stream.time", b"%d" % stream_time_ms),
    ]


def replaced_value_headers(value: bytes) -> Headers:
    """What stands for a value that the broker refused in `dead-letters` (contract, section 5).

    Added to `dead_letter_headers`, with a null value: `value.size` in bytes, as decimal digits,
    and `value.sha256` as 64 hexadecimal digits, so that the original can be found at its source.
    """
    return [
        ("value.size", b"%d" % len(value)),
        ("value.sha256", sha256(value).hexdigest().encode()),
    ]


def withheld_headers(source: WithheldRecord) -> Headers:
    """The same for a record that was too large to be read; `key.size` where its key was, too."""
    headers = [
        ("value.size", b"%d" % max(source.value_size, 0)),
        ("value.sha256", source.value_sha256.encode()),
    ]
    if source.key is None and source.key_size >= 0:
        headers.append(("key.size", b"%d" % source.key_size))
    return headers
