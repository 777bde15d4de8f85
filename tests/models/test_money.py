from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.money import average, format_money, parse_money, scaled


@pytest.mark.parametrize(
    ("millionths", "text"),
    [
        (0, "0"),
        (1, "0.000001"),
        (-1, "-0.000001"),
        (500_000, "0.5"),
        (-1_500_000, "-1.5"),
        (12_000_000, "12"),
        (129_990_000, "129.99"),
        (10**15, "1000000000"),
        (10**24 + 10, "1000000000000000000.00001"),
    ],
)
def test_text_of_an_amount(millionths: int, text: str) -> None:
    assert format_money(millionths) == text


@given(st.integers(-(10**15), 10**15))
def test_text_reads_back_as_the_same_amount(millionths: int) -> None:
    text = format_money(millionths)
    assert Decimal(text) * 10**6 == millionths
    assert parse_money(text) == millionths


@pytest.mark.parametrize(
    "text",
    ["", "abc", "nan", "Infinity", "1_000", " 1", "01", "1.", ".5", "+1", "1e400", "1000000000.1"],
)
def test_what_is_no_amount(text: str) -> None:
    with pytest.raises(ValueError, match="not a number of at most"):
        parse_money(text)


def test_scaling_is_exact_for_any_number_of_digits() -> None:
    nines = "9" * 10_000
    assert scaled(Decimal(f"0.5{'0' * 10_000}1"), 0) == 1
    assert scaled(Decimal("0.5"), 0) == 0
    assert scaled(Decimal(f"1.{nines}"), 6) == 2_000_000
    assert scaled(Decimal("-2.5"), 0) == -2


@pytest.mark.parametrize(
    ("total", "count", "mean"),
    [
        (10_000_000, 4, 2.5),
        (1_000_000, 3, 1 / 3),
        (0, 7, 0.0),
        (-5_000_000, 2, -2.5),
        (10**30 + 1, 10**6, 1e18),
    ],
)
def test_average(total: int, count: int, mean: float) -> None:
    assert average(total, count) == mean
