"""Each rule for a valid record, on each kind of input."""

import pytest

from models.codec import DECODERS, decode_clicks, decode_purchases, decode_user_events
from models.dead_letters import ErrorType, Rejected
from models.events import Click, Purchase, UserEvent
from tests.models.records import FIELDS, KAFKA_TIME, MAX_FUTURE, record, value_text
from tests.models.reference import judge

SECOND = KAFKA_TIME // 1000
# The deepest stack of brackets that may stand in a field, and one more.
DEEP = 127


def verdict(kind: str, value: bytes | str | None, key: bytes | None = b"u1") -> str:
    [found] = DECODERS[kind]([record(value, key)], MAX_FUTURE)
    if isinstance(found, Rejected):
        assert found.source.value == (value.encode() if isinstance(value, str) else value)
        return found.error.value
    return "valid"


def timestamp_of(text: str, kafka_time: int = KAFKA_TIME) -> int | str:
    value = value_text("clicks", timestamp=text)
    [found] = decode_clicks([record(value, timestamp=kafka_time)], MAX_FUTURE)
    return found.error.value if isinstance(found, Rejected) else found.timestamp


def amount_of(text: str) -> int | str:
    [found] = decode_purchases([record(value_text("purchases", amount=text))], MAX_FUTURE)
    return found.error.value if isinstance(found, Rejected) else found.amount


def value_of(text: str) -> int | str | None:
    [found] = decode_user_events([record(value_text("user-events", value=text))], MAX_FUTURE)
    return found.error.value if isinstance(found, Rejected) else found.value


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
    ("text", "ms"),
    [
        ("0", 0),
        ("-0", 0),
        ("-0.0", 0),
        ("1e-400", 0),
        ("-1e-400", "out-of-range"),
        ("-0.0000001", "out-of-range"),
        ("-1", "out-of-range"),
        ("0.0005", 0),
        ("0.0015", 2),
        ("0.00150000000000000000000000001", 2),
        ("0.00050000000000000000000000001", 1),
        ("1469999999.0004999999999999999", 1_469_999_999_000),
        ("1469999999.0005", 1_469_999_999_000),
        ("1469999999.0015", 1_469_999_999_002),
        ("1469999999.00050000000000000001", 1_469_999_999_001),
        ("14.7e8", KAFKA_TIME),
        ("1469999999000", 1_469_999_999_000),
        ("1469999999000.5", 1_469_999_999_000),
        ("1469999999001.5", 1_469_999_999_002),
        ("1469999999000.50000000000000001", 1_469_999_999_001),
        ("100000000000.1", 100_000_000_000),
        ("100000000000.00000000000000000001", 100_000_000_000),
        ("100000000000", "future"),
        ("99999999999.9999999999999999999", "future"),
        ("1470000060", KAFKA_TIME + 60_000),
        ("1470000060.0005", KAFKA_TIME + 60_000),
        ("1470000060.001", "future"),
        ("1470000060001", "future"),
        ("1e308", "future"),
        ("1" + "0" * 308, "future"),
        ("-1e308", "out-of-range"),
        ("1e309", "out-of-range"),
        ("-1e309", "out-of-range"),
        ("1" + "0" * 5_000, "out-of-range"),
        ("1e99999999999999999999999", "out-of-range"),
        ("1e-99999999999999999999999", 0),
        ("0e99999999999999999999999", 0),
        ("1" + "0" * 5_000 + "e-4991", 1_000_000_000_000),
    ],
)
def test_timestamps(text: str, ms: int | str) -> None:
    assert timestamp_of(text) == ms


def test_a_timestamp_is_measured_against_the_record_s_own_kafka_timestamp() -> None:
    assert timestamp_of("1e308", 2**63 - 1) == "future"
    assert timestamp_of("9223372036854775807", 2**63 - 1) == 2**63 - 1
    assert timestamp_of("100000000000", 10**14) == 10**14
    assert timestamp_of("0", -1) == 0


@pytest.mark.parametrize(
    ("text", "millionths"),
    [
        ("0", 0),
        ("-0.0", 0),
        ("1e-7", 0),
        ("-1e-7", "out-of-range"),
        ("5e-7", 0),
        ("15e-7", 2),
        ("5.0000000000000000000000001e-7", 1),
        ("12.3456785", 12_345_678),
        ("12.3456775", 12_345_678),
        ("12.34567750000000000000001", 12_345_678),
        ("12.34567849999999999999999", 12_345_678),
        ("0.1", 100_000),
        ("129.99", 129_990_000),
        ("1048576.0000005", 1_048_576_000_000),
        # Doubles of these, times a million, lie up to 0.0625 on the wrong side of the tie.
        ("542988052.43348150000000001", 542_988_052_433_482),
        ("272261167.8155575", 272_261_167_815_558),
        ("17349105.4060835", 17_349_105_406_084),
        ("539130462.3882385", 539_130_462_388_238),
        ("999999999.9999995", 10**15),
        ("999999999.999999", 10**15 - 1),
        ("1000000000", 10**15),
        ("1e9", 10**15),
        ("1000000000.0000001", "out-of-range"),
        ("1000000000.00000000000000000001", "out-of-range"),
        ("1.7e308", "out-of-range"),
        ("1e400", "out-of-range"),
    ],
)
def test_amounts(text: str, millionths: int | str) -> None:
    assert amount_of(text) == millionths


@pytest.mark.parametrize(
    ("text", "millionths"),
    [
        ("-1e308", "out-of-range"),
        ("-1e9", -(10**15)),
        ("-1000000000.0000001", "out-of-range"),
        ("1e9", 10**15),
        ("-2.5", -2_500_000),
        ("-542988052.43348150000000001", -542_988_052_433_482),
        ("-272261167.8155575", -272_261_167_815_558),
        ("-539130462.3882385", -539_130_462_388_238),
        ("-0.0000015", -2),
        ("-0.0000025", -2),
        ("-0.00000250000000000000001", -3),
        ("-1e-400", 0),
        ("0", 0),
        ("null", None),
    ],
)
def test_values(text: str, millionths: int | str | None) -> None:
    assert value_of(text) == millionths


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


def test_long_and_short_records_share_a_batch() -> None:
    long = value_text("clicks", page=f'"{"p" * 1_000}"')
    deep = value_text("clicks", extra="[" * 200 + "]" * 200)
    user = "a" * 300
    texts = [value_text("clicks"), long, deep, value_text("clicks", user_id=f'"{user}"')]
    keys = [b"u1", b"u1", b"u1", user.encode()]
    batch = [record(text, key) for text, key in zip(texts, keys, strict=True)]
    batch += [record(None), record(long, None)]
    errors = [getattr(item, "error", None) for item in decode_clicks(batch, MAX_FUTURE)]
    assert errors == [None, None, "not-json", "out-of-range", "null-value", "null-key"]


def test_a_value_cut_in_two_is_two_bad_records() -> None:
    whole = value_text("clicks")
    for cut in range(1, len(whole)):
        parts = [record(whole[:cut]), record(whole[cut:])]
        found = decode_clicks(parts, MAX_FUTURE)
        assert [judge("clicks", part, MAX_FUTURE) for part in parts] == [
            item.error.value if isinstance(item, Rejected) else "valid" for item in found
        ]
        assert all(isinstance(item, Rejected) for item in found)


def test_two_values_in_one_record_do_not_make_up_for_an_empty_one() -> None:
    whole = value_text("clicks")
    batch = [record(f"{whole},{whole}"), record(""), record(f"{whole}\n{whole}"), record(whole)]
    errors = [getattr(item, "error", None) for item in decode_clicks(batch, MAX_FUTURE)]
    assert errors == [ErrorType.NOT_JSON] * 3 + [None]


def test_half_a_character_is_not_completed_by_the_next_record() -> None:
    batch = [record(b'{"a":"\xc3'), record(b'\xa4"}')]
    errors = [getattr(item, "error", None) for item in decode_clicks(batch, MAX_FUTURE)]
    assert errors == [ErrorType.NOT_JSON] * 2


def test_no_records_make_no_events() -> None:
    assert [list(decode([], MAX_FUTURE)) for decode in DECODERS.values()] == [[], [], []]
