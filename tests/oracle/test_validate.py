"""Each rule of contract section 2, "Valid", at its boundary."""

import pytest

from tests.oracle.making import BASE
from tests.oracle.records import CLICKS, PURCHASES, USER_EVENTS, Record, Settings
from tests.oracle.validate import Event, Rejected, validate

SETTINGS = Settings()


def check(topic: str, value: bytes | None, key: bytes | None = b"u", at: int = BASE) -> object:
    """The event, or the reasons why there is none."""
    outcome = validate(Record(topic, 0, 0, at, key, value), topic, SETTINGS)
    return outcome.reasons if isinstance(outcome, Rejected) else outcome


def click(more: str = "", timestamp: str = "1000", user: str = '"u"') -> bytes:
    return f'{{"user_id":{user},"page":"/a","timestamp":{timestamp}{more}}}'.encode()


def purchase(amount: str) -> bytes:
    return f'{{"user_id":"u","product_id":"p","amount":{amount},"timestamp":1}}'.encode()


def user_event(more: str) -> bytes:
    return f'{{"user_id":"u","action":"a","timestamp":1{more}}}'.encode()


def reject(*reasons: str) -> tuple[str, ...]:
    return reasons


@pytest.mark.parametrize(
    ("value", "reasons"),
    [
        (None, reject("null-value")),
        (b"", reject("not-json")),
        (b"\xff", reject("not-json")),
        (b'\xef\xbb\xbf{"user_id":"u"}', reject("not-json")),
        (click()[:-1], reject("not-json")),
        (click(',"x":NaN'), reject("not-json")),
        (click(',"x":-Infinity'), reject("not-json")),
        (click(',"x":"\\ud800"'), reject("not-json")),
        (click(',"x":"\\udc00\\ud800","x":1'), reject("not-json")),
        (click(',"x":[["\\ud800"]]'), reject("not-json")),
        (click(',"\\ud800":1'), reject("not-json")),
        (click(',"x":"?"').replace(b"?", b"\xed\xa0\x80"), reject("not-json")),
        (click(',"x":' + "[" * 999 + "]" * 999), reject("not-json")),
        (click(',"x":' + "[" * 10_000 + "]" * 10_000), reject("not-json")),
        (b"[1]", reject("not-object")),
        (b"null", reject("not-object")),
        (b'"\\ud83d\\ude00"', reject("not-object")),
        (b'{"user_id":"u","timestamp":1}', reject("missing-field")),
        (b"{}", reject("missing-field")),
        (click(timestamp='"1000"'), reject("wrong-type")),
        (click(timestamp="true"), reject("wrong-type")),
        (click(timestamp="null"), reject("wrong-type")),
        (click(timestamp="-0.0001"), reject("out-of-range")),
        (click(timestamp="-1"), reject("out-of-range")),
        (click(timestamp="1e400"), reject("not-json", "out-of-range", "future")),
        (click(timestamp="1e99999999999999999999"), reject("not-json", "out-of-range", "future")),
        (click(user='"v"'), reject("key-mismatch")),
        (click(user='""'), reject("out-of-range", "key-mismatch")),
        (click(user="1"), reject("wrong-type")),
    ],
)
def test_rejects(value: bytes | None, reasons: tuple[str, ...]) -> None:
    assert check(CLICKS, value) == reasons


@pytest.mark.parametrize(
    "value",
    [
        click(',"x":1e400'),
        click(',"x":"\\ud83d\\ude00"'),
        click(',"page":5,"page":"/b"'),
        click(',"x":' + "[" * 99 + "]" * 99),
        click(',"x":' + "[" * 998 + "]" * 998),
        click(',"x":"' + "[" * 5_000 + '"'),
        click(',"x":' + "1" * 6_000),
        click(timestamp="0"),
        click(timestamp="-0.0"),
        click(timestamp="1e-99999999999999999999"),
    ],
)
def test_accepts(value: bytes) -> None:
    assert isinstance(check(CLICKS, value), Event)


def test_of_duplicate_names_the_last_counts() -> None:
    outcome = check(CLICKS, click(',"page":"/b"'))
    assert isinstance(outcome, Event)
    assert outcome.label == "/b"
    assert check(CLICKS, click(',"page":5')) == ("wrong-type",)


def test_null_key_is_told_with_whatever_else_is_wrong() -> None:
    assert check(CLICKS, click(), key=None) == ("null-key",)
    assert check(CLICKS, b"x", key=None) == ("null-key", "not-json")
    assert check(CLICKS, None, key=None) == ("null-key", "null-value")


def test_user_id_is_1_to_256_bytes() -> None:
    fits, long = "é" * 128, "é" * 128 + "x"
    assert isinstance(check(CLICKS, click(user=f'"{fits}"'), fits.encode()), Event)
    assert check(CLICKS, click(user=f'"{long}"'), long.encode()) == ("out-of-range",)


@pytest.mark.parametrize(
    ("written", "time"),
    [
        ("1.0005", 1_000),
        ("1.0015", 1_002),
        ("1.00050001", 1_001),
        ("100000000000", 100_000_000_000_000),
        ("100000000001", 100_000_000_001),
        ("100000000001.5", 100_000_000_002),
        ("100000000002.5", 100_000_000_002),
        ("1471824000.123", 1_471_824_000_123),
    ],
)
def test_timestamps_are_whole_milliseconds_ties_to_even(written: str, time: int) -> None:
    outcome = check(CLICKS, click(timestamp=written), at=10**15)
    assert isinstance(outcome, Event)
    assert outcome.time == time


def test_future_is_more_than_max_future_ahead_of_the_kafka_timestamp() -> None:
    assert isinstance(check(CLICKS, click(timestamp="1060"), at=1_000_000), Event)
    assert check(CLICKS, click(timestamp="1060.001"), at=1_000_000) == ("future",)
    assert check(CLICKS, click(timestamp="1060"), at=-1) == ("no-timestamp",)
    assert check(CLICKS, click(timestamp="0"), at=-1) == ("no-timestamp",)


@pytest.mark.parametrize(
    ("written", "micro"),
    [
        ("0", 0),
        ("12.5", 12_500_000),
        ("1e9", 10**15),
        ("0.0000005", 0),
        ("0.0000015", 2),
        ("0.00000050000001", 1),
        ("19.99", 19_990_000),
        ("-0.0", 0),
    ],
)
def test_amounts_are_integer_millionths_ties_to_even(written: str, micro: int) -> None:
    outcome = check(PURCHASES, purchase(written))
    assert isinstance(outcome, Event)
    assert outcome.micro == micro


@pytest.mark.parametrize("written", ["-0.01", "1000000000.0000001", "1e10"])
def test_amounts_out_of_range(written: str) -> None:
    assert check(PURCHASES, purchase(written)) == ("out-of-range",)


def test_amount_null_is_a_wrong_type() -> None:
    assert check(PURCHASES, purchase("null")) == ("wrong-type",)


def test_optional_fields_may_be_null_but_not_of_a_wrong_type() -> None:
    outcome = check(USER_EVENTS, user_event(',"value":null,"page":null,"session_id":null'))
    assert isinstance(outcome, Event)
    assert outcome.micro is None
    assert check(USER_EVENTS, user_event(',"value":"1"')) == ("wrong-type",)
    assert check(USER_EVENTS, user_event(',"value":false')) == ("wrong-type",)
    assert check(USER_EVENTS, user_event(',"session_id":1')) == ("wrong-type",)
    assert isinstance(check(USER_EVENTS, user_event(',"value":-1e9')), Event)
    assert check(USER_EVENTS, user_event(',"value":-1000000000.1')) == ("out-of-range",)
