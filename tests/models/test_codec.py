"""Each rule for a valid record, on each kind of input; numbers: `test_codec_numbers`."""

import pytest

from models.codec import DECODERS, decode_clicks, decode_purchases, decode_user_events
from models.dead_letters import Rejected
from models.events import Click, Purchase, UserEvent
from tests.models.records import FIELDS, KAFKA_TIME, MAX_FUTURE, record, value_text

# The deepest stack of brackets that may stand in a field, and one more.
DEEP = 127


def verdict(kind: str, value: bytes | str | None, key: bytes | None = b"u1") -> str:
    [found] = DECODERS[kind]([record(value, key)], MAX_FUTURE)
    if isinstance(found, Rejected):
        assert found.source.value == (value.encode() if isinstance(value, str) else value)
        return found.error.value
    return "valid"


def test_valid_records_become_events_with_their_source() -> None:
    click = record(value_text("clicks"))
    purchase = record(value_text("purchases"))
    event = record(value_text("user-events"))
    assert [as_tuple(e) for e in decode_clicks([click], MAX_FUTURE)] == [
        ("u1", "/p", KAFKA_TIME, click)
    ]
    assert [as_tuple(e) for e in decode_purchases([purchase], MAX_FUTURE)] == [
        ("u1", "x", 1_500_000, KAFKA_TIME, purchase)
    ]
    assert [as_tuple(e) for e in decode_user_events([event], MAX_FUTURE)] == [
        ("u1", "view", KAFKA_TIME, 2_250_000, "/p", "s", event)
    ]


def as_tuple(event: Click | Purchase | UserEvent | Rejected) -> tuple[object, ...]:
    return tuple(getattr(event, name) for name in event.__struct_fields__)


def test_absent_and_null_optional_fields_are_the_same() -> None:
    absent = value_text("user-events", value="", page="", session_id="")
    null = value_text("user-events", value="null", page="null", session_id="null")
    found = decode_user_events([record(absent), record(null)], MAX_FUTURE)
    assert [as_tuple(event)[3:6] for event in found] == [(None, None, None)] * 2


@pytest.mark.parametrize("kind", FIELDS)
@pytest.mark.parametrize(
    ("value", "error"),
    [
        (None, "null-value"),
        (b"", "not-json"),
        (b"  ", "not-json"),
        (b"{", "not-json"),
        (b"{}{}", "not-json"),
        (b"{},{}", "not-json"),
        (b'{"a":1,}', "not-json"),
        (b"{'a':1}", "not-json"),
        (b'\xef\xbb\xbf{"a":1}', "not-json"),
        ('{"a":1}'.encode("utf-16"), "not-json"),
        (b'{"a":"\xff"}', "not-json"),
        (b'{"a":"\xc3"}', "not-json"),
        (b'{"a":NaN}', "not-json"),
        (b'{"a":-Infinity}', "not-json"),
        (b'{"a":"\n"}', "not-json"),
        (b"[" * 10_000, "not-json"),
        (b"[" * 10_000 + b"]" * 10_000, "not-json"),
        (b'{"a":' * 1_000_000 + b"1" + b"}" * 1_000_000, "not-json"),
        (b"[]", "not-object"),
        (b"null", "not-object"),
        (b"1", "not-object"),
        (b'"x"', "not-object"),
        (b"9" * 5_000, "not-object"),
        (b"{}", "missing-field"),
        (b'{"User_id":"u1"}', "missing-field"),
    ],
)
def test_refused_whatever_the_topic(kind: str, value: bytes | None, error: str) -> None:
    assert verdict(kind, value) == error


@pytest.mark.parametrize("kind", FIELDS)
def test_each_required_field_missing_null_or_of_another_type(kind: str) -> None:
    for name, value in FIELDS[kind].items():
        optional = name in ("value", "session_id") or (kind == "user-events" and name == "page")
        null, missing = ("valid", "valid") if optional else ("wrong-type", "missing-field")
        assert verdict(kind, value_text(kind, **{name: "null"})) == null
        assert verdict(kind, value_text(kind, **{name: ""})) == missing
        other = ['"1"'] if not isinstance(value, str) else ["1", "1.5"]
        for wrong in [*other, "true", "false", "[]", "{}", '["u1"]']:
            assert verdict(kind, value_text(kind, **{name: wrong})) == "wrong-type", (name, wrong)


@pytest.mark.parametrize(
    ("extra", "expected"),
    [
        ("1e400", "valid"),
        ("9" * 5_000, "valid"),
        ('"\\ud83d\\ude00"', "valid"),
        ('"\\\\ud800"', "valid"),
        ('"\\ud800"', "not-json"),
        ('"\\udc00"', "not-json"),
        ('"\\udc00\\ud800"', "not-json"),
        ('"\\ud800\\\\udc00"', "not-json"),
        ('{"\\ud800":1}', "not-json"),
        ('[{"a":["\\uDBFF"]}]', "not-json"),
        ("[" * 99 + "]" * 99, "valid"),
        ("[" * DEEP + "]" * DEEP, "valid"),
        ("[" * (DEEP + 1) + "]" * (DEEP + 1), "not-json"),
        ('{"a":' * DEEP + "1" + "}" * DEEP, "valid"),
        ('{"a":' * (DEEP + 1) + "1" + "}" * (DEEP + 1), "not-json"),
        ("[" + ",".join(["[]"] * 500) + "]", "valid"),
        ('"' + "[" * 500 + '\\"' + "{" * 500 + '"', "valid"),
        ("[" * 10_000 + "]" * 10_000, "not-json"),
        ("01", "not-json"),
        ("+1", "not-json"),
        ("nan", "not-json"),
        ("", "valid"),
    ],
)
def test_unknown_fields_are_ignored_but_must_be_json(extra: str, expected: str) -> None:
    assert verdict("clicks", value_text("clicks", extra=extra)) == expected


def test_unknown_fields_must_be_utf8() -> None:
    check_utf8(value_text("clicks", extra='"?"').encode())


def test_long_values_must_be_utf8_as_well() -> None:
    check_utf8(value_text("clicks", extra='"?"', page=f'"{"p" * 1_000}"').encode())


def check_utf8(value: bytes) -> None:
    assert verdict("clicks", value.replace(b"?", "ä".encode())) == "valid"
    assert verdict("clicks", value.replace(b"?", b"\xe4")) == "not-json"
    assert verdict("clicks", value.replace(b"extra", b"ex\xe4")) == "not-json"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ('{"page":1,"user_id":"u1","timestamp":1,"page":"x"}', "valid"),
        ('{"page":"x","user_id":"u1","timestamp":1,"page":1}', "wrong-type"),
        ('{"page":"x","user_id":"u2","timestamp":1,"user_id":"u1"}', "valid"),
        ('{"page":"x","user_id":"u1","timestamp":1,"user_id":"u2"}', "key-mismatch"),
        ('{"page":"x","user_id":"u1","timestamp":1e400,"timestamp":1}', "valid"),
        ('{"page":"x","user_id":"u1","timestamp":1,"timestamp":1e400}', "out-of-range"),
        ('{"page":"x","user_id":"u1","timestamp":"1","timestamp":1}', "valid"),
        ('{"pa\\u0067e":"x","user_id":"u1","timestamp":1}', "valid"),
        (' \r\n\t{ "page" : "" , "user_id":"u1","timestamp":1 } \n', "valid"),
        ('\x0c{"page":"","user_id":"u1","timestamp":1}', "not-json"),
        ('{"page":"","user_id":"u1","timestamp":1,"source":5}', "valid"),
    ],
)
def test_names(value: str, expected: str) -> None:
    assert verdict("clicks", value) == expected


@pytest.mark.parametrize(
    ("user_id", "key", "expected"),
    [
        ("u1", None, "null-key"),
        ("u1", b"u2", "key-mismatch"),
        ("u1", b"", "key-mismatch"),
        ("", b"", "out-of-range"),
        ("a" * 256, b"a" * 256, "valid"),
        ("a" * 257, b"a" * 257, "out-of-range"),
        ("ä" * 128, "ä".encode() * 128, "valid"),
        ("ä" * 129, "ä".encode() * 129, "out-of-range"),
        ("ä", b"\xe4", "key-mismatch"),
        ("\\u00e4", "ä".encode(), "valid"),
        ("\\ud83d\\ude00", "😀".encode(), "valid"),
        ("\\ud83d", b"\xed\xa0\xbd", "not-json"),
    ],
)
def test_user_id_and_key(user_id: str, key: bytes | None, expected: str) -> None:
    for kind in FIELDS:
        assert verdict(kind, value_text(kind, user_id=f'"{user_id}"'), key) == expected


@pytest.mark.parametrize(
    ("value", "key", "error"),
    [
        (None, None, "null-key"),
        (b"\xff", None, "null-key"),
        (b'{"user_id":1,"page":1}', b"u1", "missing-field"),
        (b'{"user_id":1,"page":"","timestamp":-1}', b"u1", "wrong-type"),
        (b'{"user_id":"u2","page":"","timestamp":-1}', b"u1", "out-of-range"),
        (b'{"user_id":"u2","page":"","timestamp":1e11}', b"u1", "key-mismatch"),
    ],
)
def test_the_first_broken_rule_is_the_one_named(
    value: bytes | None, key: bytes | None, error: str
) -> None:
    assert verdict("clicks", value, key) == error


def test_messages_hold_nothing_of_the_record() -> None:
    secret = "hunter2"
    for value in (
        secret,
        f'["{secret}"]',
        f'{{"{secret}":1}}',
        value_text("clicks", page=f'{{"{secret}":1}}'),
        value_text("clicks", user_id=f'"{secret}"'),
        value_text("clicks", timestamp="-1", page=f'"{secret}"'),
        value_text("clicks", timestamp="1e20", page=f'"{secret}"'),
    ):
        [found] = decode_clicks([record(value)], MAX_FUTURE)
        assert isinstance(found, Rejected)
        assert found.message
        assert secret not in found.message
