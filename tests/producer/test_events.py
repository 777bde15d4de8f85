import pytest

from app.producer import BadEventError
from app.producer.events import event_time_ms, read_head, to_json, utf8_key, with_timestamp
from app.producer.mirror import mirrored
from models.topics import CLICKS, PURCHASES, USER_EVENTS, Topic


@pytest.mark.parametrize(
    ("timestamp", "milliseconds"),
    [
        (1470034812, 1470034812000),
        (1470048289.927, 1470048289927),
        (1470048289927, 1470048289927),
        (1e11, 100_000_000_000_000),
        (0, 0),
        (-1, None),
        (1e300, None),
        (float("nan"), None),
        (True, None),
        ("1470034812", None),
        (None, None),
    ],
)
def test_event_time(timestamp: object, milliseconds: int | None) -> None:
    assert event_time_ms(timestamp) == milliseconds


def test_with_timestamp_keeps_the_text_of_all_else() -> None:
    value = b'{"amount": 12.50, "n":123456789012345678901234567890, "timestamp": 1, "a":[ 1 ]}'
    assert with_timestamp(value, 2.5) == (
        b'{"amount":12.50,"n":123456789012345678901234567890,"timestamp":2.5,"a":[ 1 ]}'
    )


def test_with_timestamp_adds_it() -> None:
    assert with_timestamp(b'{"user_id":"ann"}', 7.0) == b'{"user_id":"ann","timestamp":7.0}'


def test_the_last_of_duplicate_names_counts() -> None:
    head = read_head(b'{"user_id":"a","timestamp":1,"user_id":"b","timestamp":2}')
    assert (head.key, head.time_ms) == (b"b", 2000)


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (b"oops", "not JSON"),
        (b"", "not JSON"),
        (b"[1]", "not a JSON object"),
        (b'{"user_id":"u","page":NaN}', "not JSON"),
        (b'{"user_id":"\\ud800"}', "not JSON"),
        (b'{"user_id":"\xff"}', "not JSON"),
        (b'{"a":' * 5000 + b"1" + b"}" * 5000, "nested too deeply"),
    ],
)
def test_what_is_no_event_is_said_why(value: bytes, reason: str) -> None:
    with pytest.raises(BadEventError, match=reason):
        read_head(value)


@pytest.mark.parametrize(
    "event", [{"v": float("nan")}, {"v": float("inf")}, {"v": {1}}, {"v": "\ud800"}]
)
def test_what_json_does_not_have_is_refused(event: dict[str, object]) -> None:
    with pytest.raises(BadEventError, match="cannot be written as JSON"):
        to_json(event)


def test_a_click_is_mirrored_as_a_page_view() -> None:
    click = b'{"user_id":"u","page":"/home","timestamp":1.5,"session_id":"s","other":1}'
    assert mirrored(CLICKS, click) == (
        b'{"user_id":"u","action":"page_view","timestamp":1.5,"page":"/home","session_id":"s"}'
    )


def test_a_priced_purchase_is_mirrored_with_its_amount() -> None:
    purchase = b'{"user_id":"u","product_id":"p","amount":255.6,"timestamp":1.5}'
    assert mirrored(PURCHASES, purchase) == (
        b'{"user_id":"u","action":"purchase","timestamp":1.5,"value":255.6}'
    )


def test_what_has_no_price_and_what_is_a_user_event_is_not_mirrored() -> None:
    assert mirrored(PURCHASES, b'{"user_id":"u","amount":null,"timestamp":1}') is None
    assert mirrored(PURCHASES, b'{"user_id":"u","amount":true,"timestamp":1}') is None
    assert mirrored(USER_EVENTS, b'{"user_id":"u","action":"a","timestamp":1}') is None


@pytest.mark.parametrize(
    ("topic", "value"),
    [
        (CLICKS, b'{"user_id":"u","page":"\xff","timestamp":1}'),
        (CLICKS, b'{"user_id":"u","session_id":{"a":"\xff"},"timestamp":1}'),
        (CLICKS, b'{"user_id":"u","page":1e999,"timestamp":1}'),
        (PURCHASES, b'{"user_id":"u","amount":1e999,"timestamp":1}'),
    ],
)
def test_what_can_be_no_user_event_is_said(topic: Topic, value: bytes) -> None:
    assert read_head(value).key == b"u"
    with pytest.raises(BadEventError, match=r"utf-8|out of range"):
        mirrored(topic, value)


def test_a_key_is_text() -> None:
    assert utf8_key("ü") == b"\xc3\xbc"
    with pytest.raises(BadEventError, match="the key is not valid text"):
        utf8_key("\udcff")
