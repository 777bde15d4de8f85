from hashlib import sha256

from models.dead_letters import (
    ErrorType,
    Rejected,
    dead_letter_headers,
    late_headers,
    replaced_value_headers,
)
from tests.models.records import KAFKA_TIME, record


def test_the_seven_headers_of_a_dead_letter() -> None:
    rejected = Rejected(ErrorType.NOT_JSON, "the value is not JSON", record(b"{"))
    assert dead_letter_headers(rejected, 1_480_000_000_000) == [
        ("error.type", b"not-json"),
        ("error.message", b"the value is not JSON"),
        ("source.topic", b"clicks"),
        ("source.partition", b"3"),
        ("source.offset", b"7"),
        ("source.timestamp", b"%d" % KAFKA_TIME),
        ("failed.at", b"1480000000000"),
    ]


def test_a_source_without_a_timestamp_is_written_as_kafka_gives_it() -> None:
    rejected = Rejected(ErrorType.FUTURE, "ahead", record(b"{}", timestamp=-1))
    assert dict(dead_letter_headers(rejected, 0))["source.timestamp"] == b"-1"


def test_headers_of_a_late_event() -> None:
    assert late_headers(record(b"{}"), "event-counts", 1, 1_470_000_360_001) == [
        ("source.topic", b"clicks"),
        ("source.partition", b"3"),
        ("source.offset", b"7"),
        ("source.timestamp", b"%d" % KAFKA_TIME),
        ("late.for", b"event-counts"),
        ("late.by", b"1"),
        ("stream.time", b"1470000360001"),
    ]


def test_headers_in_place_of_a_value() -> None:
    value = b"x" * 2_000_000
    assert replaced_value_headers(value) == [
        ("value.size", b"2000000"),
        ("value.sha256", sha256(value).hexdigest().encode()),
    ]


def test_error_types_are_the_contract_s() -> None:
    listed = (
        "null-key null-value not-json not-object missing-field wrong-type out-of-range "
        "key-mismatch future no-timestamp handler too-large"
    )
    assert [error.value for error in ErrorType] == listed.split()
