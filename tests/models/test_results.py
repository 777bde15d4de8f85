import json
import re
from decimal import Decimal

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from models import results


def test_enriched_purchase() -> None:
    value = results.enriched_purchase("ü", 'a"b', 129_990_000, ["/1", "/2"])
    expected = '{"user_id":"ü","product_id":"a\\"b","amount":129.99,"recent_pages":["/1","/2"]}'
    assert value == expected.encode()


MONEY = re.compile(rb'"revenue":(-?[0-9]+(?:\.[0-9]{1,6})?),')


@given(st.one_of(st.integers(0, 10**15), st.integers(0, 10**20), st.integers(0, 10_000)))
@example(99)
@example(100)
@example(10**15 - 1)
@example(10**15)
@example(10**17 + 1)
def test_money_is_written_exactly_with_six_decimals_at_most(millionths: int) -> None:
    match = MONEY.search(results.revenue(0, 300_000, millionths, 1))
    assert match is not None
    assert Decimal(match[1].decode()) * 10**6 == millionths


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (
            results.moving_average("u", 1, 600_001, 3, 10_000_000),
            {
                "user_id": "u",
                "window_start": 1,
                "window_end": 600_001,
                "count": 3,
                "average": 10 / 3,
            },
        ),
        (
            results.user_session("u", 5, 9, 2),
            {"user_id": "u", "start": 5, "end": 9, "count": 2},
        ),
        (
            results.revenue(300_000, 600_000, 1_500_000, 2),
            {"window_start": 300_000, "window_end": 600_000, "revenue": 1.5, "purchases": 2},
        ),
        (results.event_count(42), 42),
    ],
)
def test_values(value: bytes, expected: object) -> None:
    assert json.loads(value) == expected


def test_keys() -> None:
    assert results.event_count_key("ü", 300_000) == "ü@300000".encode()
    assert results.revenue_key(300_000) == b"300000"
