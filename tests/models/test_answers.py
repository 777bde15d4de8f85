"""Answers as bytes: exact money, times as everywhere, problems without empty members."""

import json
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.answers import AllTotals, Problem, instant, money
from models.encoding import encode
from models.money import format_money
from models.times import iso


@given(st.integers(min_value=-(10**26), max_value=10**26))
def test_money_is_written_digit_by_digit(millionths: int) -> None:
    totals = AllTotals(
        actions={}, purchases=0, revenue=money(millionths), complete=True, missing=[]
    )
    text = encode(totals).decode()
    assert f'"revenue":{format_money(millionths)},' in text
    assert json.loads(text, parse_float=Decimal)["revenue"] * 1_000_000 == millionths


@given(st.integers(min_value=-(10**15), max_value=10**16))
def test_a_time_is_written_as_iso_8601(ms: int) -> None:
    assert instant(ms) == iso(ms)


def test_a_problem_has_no_empty_members() -> None:
    problem = Problem(title="Not Found", status=404, detail="nothing here")
    assert json.loads(encode(problem)).keys() == {"type", "title", "status", "detail"}


@pytest.mark.parametrize("text", ["ä", "\u2028", '"', "\x00", "😀"])
def test_text_is_utf_8(text: str) -> None:
    totals = AllTotals(actions={text: 1}, purchases=0, revenue=money(0), complete=True, missing=[])
    assert json.loads(encode(totals).decode("utf-8"))["actions"] == {text: 1}
