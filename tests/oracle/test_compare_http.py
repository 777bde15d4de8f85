"""Answers that agree with the model, and each kind that does not."""

import pytest

from tests.oracle.compare_http import compare_revenue, compare_totals, compare_view
from tests.oracle.equality import parse_answer, same
from tests.oracle.making import ONE, SECOND, Log, encoded, mixed_log
from tests.oracle.model import Expected, Model
from tests.oracle.records import CLICKS, PURCHASES


@pytest.fixture(scope="module")
def expected() -> Expected:
    return Model(mixed_log().records, ONE).run()


def answer_of(expected: Expected, view: str, user: str = "u1") -> dict[str, object]:
    wanted = expected.view(view, user)
    answer = parse_answer(encoded(wanted))
    assert isinstance(answer, dict)
    return {**answer, "offsets": {CLICKS: 1, PURCHASES: 1, "user-events": 1}}


VIEWS = ("recent-clicks", "enriched-purchases", "event-counts", "hopping-counts", "sessions")


@pytest.mark.parametrize("view", [*VIEWS, "moving-average", "totals"])
def test_views_that_agree_and_views_that_do_not(expected: Expected, view: str) -> None:
    answer = answer_of(expected, view)
    committed = {(CLICKS, 0): 1, (PURCHASES, 0): 1, ("user-events", 0): 1}
    assert compare_view(expected, view, "u1", answer, committed) == []
    assert compare_view(expected, view, "u2", answer)
    assert compare_view(expected, view, "u1", {**answer, "as_of": None})
    assert compare_view(expected, view, "u1", {**answer, "offsets": {}})
    assert compare_view(expected, view, "u1", answer, {(CLICKS, 0): 2})
    for name, value in answer.items():
        if isinstance(value, list):
            assert value, "the data give this view something to show"
            assert compare_view(expected, view, "u1", {**answer, name: value[1:]})


def test_purchases_of_equal_time_may_change_places_and_others_not() -> None:
    log = Log()
    for amount in ("1", "2", "3"):
        log.buy(0, amount)
    log.buy(SECOND, "4")
    expected = Model(log.records, ONE).run()
    answer = answer_of(expected, "enriched-purchases", "u")
    rows = answer["purchases"]
    assert isinstance(rows, list)
    ties = {**answer, "purchases": [rows[0], rows[2], rows[1], rows[3]]}
    assert compare_view(expected, "enriched-purchases", "u", ties) == []
    wrong = {**answer, "purchases": [rows[1], rows[0], rows[2], rows[3]]}
    assert compare_view(expected, "enriched-purchases", "u", wrong)


def test_totals_and_revenue_over_all(expected: Expected) -> None:
    totals = parse_answer(encoded({**expected.totals().answer(), "complete": True}))
    assert isinstance(totals, dict)
    assert compare_totals(expected, totals) == []
    assert compare_totals(expected, {**totals, "revenue": 1})
    assert compare_totals(expected, {**totals, "complete": False})
    merged = expected.revenue()
    rows = parse_answer(encoded([merged.row(start) for start in merged.kept()]))
    assert isinstance(rows, list)
    assert compare_revenue(expected, rows) == []
    assert compare_revenue(expected, rows[1:])
    assert compare_revenue(expected, rows[::-1])
    assert compare_revenue(expected, [*rows, rows[-1]])
    assert compare_revenue(expected, [{**rows[0], "closed": True}, *rows[1:]])


def test_numbers_are_equal_by_value_and_integers_by_kind() -> None:
    assert same(parse_answer("12.5"), parse_answer("12.50"))
    assert same({"a": parse_answer("12.0")}, {"a": parse_answer("12")})
    assert not same(5, parse_answer("5.0"))
    assert not same(1, True)
    assert not same(parse_answer("0.3"), parse_answer("0.30000000000000004"))
    assert same(1 / 3, parse_answer("0.3333333333333333"))
    assert same("2016-08-22T00:00:00.000Z", "2016-08-22T00:00:00.000+00:00", more=True)
    assert not same("2016-08-22T00:00:00.000Z", "2016-08-22T00:00:00Z", more=True)
