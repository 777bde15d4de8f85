from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.times import iso, parse_duration


@pytest.mark.parametrize(
    ("ms", "text"),
    [
        (0, "1970-01-01T00:00:00.000Z"),
        (1_470_034_812_000, "2016-08-01T07:00:12.000Z"),
        (1_470_034_812_007, "2016-08-01T07:00:12.007Z"),
        (951_782_400_000, "2000-02-29T00:00:00.000Z"),
        (253_402_300_799_999, "9999-12-31T23:59:59.999Z"),
        (253_402_300_800_000, "+010000-01-01T00:00:00.000Z"),
        (8_640_000_000_000_000, "+275760-09-13T00:00:00.000Z"),
        (9_223_372_036_854_775_807, "+292278994-08-17T07:12:55.807Z"),
        (-1, "1969-12-31T23:59:59.999Z"),
        (-62_167_219_200_000, "0000-01-01T00:00:00.000Z"),
        (-62_167_219_200_001, "-000001-12-31T23:59:59.999Z"),
    ],
)
def test_iso(ms: int, text: str) -> None:
    assert iso(ms) == text


@given(st.integers(-62_135_596_800_000, 253_402_300_799_999))
def test_iso_agrees_with_the_standard_library(ms: int) -> None:
    moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=ms)
    text = moment.replace(tzinfo=None).isoformat(timespec="milliseconds")
    assert iso(ms) == f"{text}Z"


@pytest.mark.parametrize(
    ("text", "ms"),
    [
        ("90", 90_000),
        ("0", 0),
        ("500ms", 500),
        ("2s", 2_000),
        ("10m", 600_000),
        ("1h", 3_600_000),
        ("7d", 604_800_000),
        ("1.5s", 1_500),
        ("0.25", 250),
        (" 10m ", 600_000),
    ],
)
def test_durations(text: str, ms: int) -> None:
    assert parse_duration(text) == ms


@pytest.mark.parametrize(
    "text", ["", "m", "-1", "1 m", "1w", "1e3", "inf", "nan", "1m30s", "10M", "٣", ".5", "1.s"]
)
def test_what_is_no_duration(text: str) -> None:
    with pytest.raises(ValueError, match="is not a duration: write seconds"):
        parse_duration(text)


def test_a_duration_is_whole_milliseconds() -> None:
    with pytest.raises(ValueError, match=r"'0.5ms' is not a whole number of milliseconds"):
        parse_duration("0.5ms")
