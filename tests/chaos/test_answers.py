"""Judging answers that were given meanwhile: what is wrong is seen, what is right passes."""

from types import SimpleNamespace
from typing import Any, cast

import pytest

from tests.chaos.answers import Answered, judge, steps_back
from tests.oracle.making import ONE, Log
from tests.oracle.model import Model
from tests.oracle.records import USER_EVENTS, Record
from tests.support.service import Service


def _answer(log: Log, offset: int, view: str = "event-counts") -> dict[str, Any]:
    """What a right service says of the user `u` when it has taken so many events."""
    expected = Model([r for r in log.records if r.offset < offset], ONE).run()
    return {**expected.view(view, "u"), "offsets": {USER_EVENTS: offset}}


def _log() -> Log:
    log = Log()
    for minute in range(8):
        log.act(minute * 60_000, "1.5")
    return log


async def _judged(log: Log, *answers: dict[str, Any]) -> list[str]:
    async def inputs() -> list[Record]:
        return log.records

    async def outputs() -> list[Record]:
        return []

    names = {role: role for role in ("clicks", "purchases", USER_EVENTS, "enriched-purchases")}
    service = SimpleNamespace(inputs=inputs, outputs=outputs, names=names, oracle=ONE)
    given = [
        Answered("event-counts", "u", answer, float(number), number + 0.5)
        for number, answer in enumerate(answers)
    ]
    return await judge(cast("Service", service), given)


async def test_each_answer_is_held_against_its_own_offsets() -> None:
    log = _log()
    assert await _judged(log, _answer(log, 2), _answer(log, 5), _answer(log, 8)) == []


@pytest.mark.parametrize("claimed", [4, 6])
async def test_an_answer_that_shows_other_records_than_it_says_is_wrong(claimed: int) -> None:
    log = _log()
    answer = {**_answer(log, 5), "offsets": {USER_EVENTS: claimed}}
    assert await _judged(log, answer) != []


async def test_an_older_answer_after_a_newer_one_is_wrong() -> None:
    log = _log()
    found = await _judged(log, _answer(log, 5), _answer(log, 4))
    assert len(found) == 1
    assert found[0].startswith("step-back: event-counts of u: user-events 4 after 5")


def test_an_older_answer_may_be_under_way_while_a_newer_one_comes() -> None:
    newer = Answered("totals", "u", {"offsets": {"clicks": 5}}, 1.0, 2.0)
    older = Answered("totals", "u", {"offsets": {"clicks": 4}}, 1.5, 2.5)
    assert steps_back([newer, older]) == []
    assert steps_back([newer, older._replace(asked=2.0)]) != []
