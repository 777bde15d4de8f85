"""What a request asks for, and what is refused."""

from datetime import UTC, datetime
from decimal import Decimal
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st
from yarl import URL

from app.web import parameters
from app.web.parameters import FOREVER, Query, Span
from app.web.problems import ProblemError
from models.times import iso

text = st.text(st.characters(exclude_categories=["Cs"]), max_size=300)


def query(raw: str) -> Query:
    return URL(f"/?{raw}", encoded=True).query


def refused(name: str, ask: object, *arguments: object) -> None:
    with pytest.raises(ProblemError) as caught:
        ask(*arguments)  # type: ignore[operator]
    assert caught.value.status == 422
    assert caught.value.problem.parameter == name


@given(text)
def test_a_user_is_what_was_encoded_or_refused(user: str) -> None:
    path = f"/v1/users/{quote(user, safe='')}/totals"
    if 1 <= len(user.encode()) <= 256:
        assert parameters.user_of(path) == user
        assert parameters.checked_user(user.encode()) == user
    else:
        refused("user_id", parameters.user_of, path)


@pytest.mark.parametrize("segment", ["%ff", "%C3", "%ED%A0%80", "\udcff"])
def test_a_user_that_is_not_utf_8(segment: str) -> None:
    refused("user_id", parameters.user_of, f"/v1/users/{segment}/totals")


@given(st.integers(min_value=0, max_value=9_000_000_000_000_000))
def test_a_time_as_it_was_answered_is_understood(ms: int) -> None:
    assert parameters.parse_time(iso(ms)) == ms
    assert parameters.parse_time(iso(ms).replace("+", " ")) == ms


@given(st.integers(min_value=-(10**11) * 1000, max_value=10**11 * 1000))
def test_epoch_seconds_are_exact(ms: int) -> None:
    assert parameters.parse_time(f"{Decimal(ms) / 1000:f}") == ms


@pytest.mark.parametrize(
    ("given_text", "ms"),
    [
        ("1970-01-02", 86_400_000),
        ("1970-01-01T01:00:00", 3_600_000),
        ("1970-01-01T01:00:00+01:00", 0),
        ("1970-01-01T01:00:00 01:00", 0),
        ("1970-01-01 00:00:01", 1000),
        ("1.5e3", 1_500_000),
        ("1470034800000", 1_470_034_800_000),
        ("0.0001", Decimal("0.1")),
    ],
)
def test_other_forms_of_time(given_text: str, ms: Decimal) -> None:
    assert parameters.parse_time(given_text) == ms


@given(text.filter(lambda value: len(value) != 8))
def test_any_text_is_a_time_or_refused(value: str) -> None:
    raw = query("from=" + quote(value, safe=""))
    try:
        parameters.parse_time(value)
    except (ValueError, OverflowError):
        refused("from", parameters.span_of, raw)
    else:
        assert 0 <= parameters.span_of(raw).low <= FOREVER


@pytest.mark.parametrize(
    ("raw", "span"),
    [
        ("", Span(0, FOREVER)),
        ("from=1&to=2", Span(1000, 2000)),
        ("from=1.0005&to=1.0005001", Span(1000, 1001)),
        ("from=-5&to=1", Span(0, 1000)),
        ("to=999999999999999999", Span(0, 999_999_999_999_999_999)),
        ("to=9e99", Span(0, FOREVER)),
    ],
)
def test_spans(raw: str, span: Span) -> None:
    assert parameters.span_of(query(raw)) == span


@pytest.mark.parametrize("name", ["from", "to"])
@pytest.mark.parametrize("day", ["20261130", "19700101", "20240229", "99991231"])
def test_a_number_that_is_a_day_too_is_refused_with_both(name: str, day: str) -> None:
    with pytest.raises(ProblemError) as caught:
        parameters.span_of(query(f"{name}={day}"))
    said, written = caught.value.problem.detail, f"{day[:4]}-{day[4:6]}-{day[6:]}"
    assert (caught.value.status, caught.value.problem.parameter) == (422, name)
    second = datetime.fromtimestamp(int(day), UTC).isoformat()
    assert second in said
    for way in (written, f"{day}.0"):
        assert way in said
        parameters.span_of(query(f"{name}={way}"))


@pytest.mark.parametrize("seconds", ["20261301", "20230229", "19691231", "2026113", "202611300"])
def test_a_number_that_is_no_day_is_seconds(seconds: str) -> None:
    assert parameters.span_of(query(f"from={seconds}")).low == int(seconds) * 1000


def test_an_empty_span_holds_nothing() -> None:
    span = parameters.span_of(query("from=5&to=5"))
    assert span.low >= span.high


@pytest.mark.parametrize("raw", ["from=", "from=NaN", "from=1&from=2", "from=1e999", "from=--1"])
def test_bad_times(raw: str) -> None:
    refused("from", parameters.span_of, query(raw))


def test_a_span_that_ends_before_it_starts() -> None:
    refused("to", parameters.span_of, query("from=2&to=1.9999"))


@pytest.mark.parametrize(("raw", "limit"), [("", 100), ("limit=1", 1), ("limit=1000", 1000)])
def test_limits(raw: str, limit: int) -> None:
    assert parameters.limit_of(query(raw)) == limit


@pytest.mark.parametrize("value", ["0", "1001", "-1", "1.0", "", "x", "٣", "9" * 50, "+5"])
def test_bad_limits(value: str) -> None:
    refused("limit", parameters.limit_of, query("limit=" + quote(value)))


@given(st.integers(min_value=0, max_value=FOREVER))
def test_a_cursor_goes_through_a_url(start: int) -> None:
    cursor = parameters.encode_cursor(start)
    assert quote(cursor, safe="") == cursor
    assert parameters.cursor_of(query(f"cursor={cursor}")) == start


@given(text.filter(lambda value: not value.startswith("d")))
def test_any_other_cursor_is_refused(value: str) -> None:
    refused("cursor", parameters.cursor_of, query("cursor=" + quote(value, safe="")))


@pytest.mark.parametrize("cursor", ["A", "dw", "dzE=", "dzE\n", "d0", "dy0x", "eDE", "dzAx"])
def test_cursors_that_were_never_given(cursor: str) -> None:
    refused("cursor", parameters.cursor_of, query("cursor=" + quote(cursor, safe="")))
