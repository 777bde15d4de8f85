"""Counts, averages and sessions against the model, whatever is taken back on the way."""

import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tables import event_counts, hopping_counts, moving_average, series, sessions
from tables.moving_average import TIMERS
from tables.rules import MINUTE, SECOND, Rules
from tables.series_rows import PARTS
from tables.user_rows import USER_ROWS
from tests.tables.user_folds import Folds

BASE = 1_471_824_000_000
USERS = ["a", "b@", "\u00fc"]
RULES = [
    Rules(grace=0, retention=0),
    Rules(grace=MINUTE, retention=20 * MINUTE),
    Rules(
        grace=2 * SECOND,
        retention=90 * SECOND,
        tumbling=7 * SECOND,
        hopping_size=10 * SECOND,
        hopping_step=3 * SECOND,
        average_size=20 * SECOND,
        session_gap=5 * SECOND,
    ),
]
MOVE = st.one_of(
    st.integers(-3000, 6000),
    st.integers(-90, 90).map(lambda s: s * SECOND),
    st.integers(-45, 50).map(lambda m: m * MINUTE),
    st.sampled_from([-MINUTE - 1, -MINUTE, 30 * MINUTE, 30 * MINUTE + 1, 31 * MINUTE, 5 * SECOND]),
)
STEP = st.tuples(
    st.sampled_from(USERS),
    MOVE,
    st.one_of(st.none(), st.integers(-(10**15), 10**15)),
    st.sampled_from(["", "", "", "commit", "rollback", "discard", "kill", "sweep and discard"]),
)


@given(st.sampled_from(RULES), st.lists(STEP, max_size=50))
@settings(max_examples=300, deadline=None)
def test_the_folds_equal_the_model(
    rules: Rules, steps: list[tuple[str, int, int | None, str]]
) -> None:
    folds, time = Folds(rules), BASE
    for user, move, value, after in steps:
        time = max(time + move, 0)
        folds.savepoint()
        folds.take(user, time, value)
        match after:
            case "commit":
                folds.commit()
                folds.check(USERS)
            case "rollback":
                folds.rollback()
            case "discard":
                folds.discard()
            case "kill":
                folds.kill()
            case "sweep and discard":
                folds.sweep()
                folds.discard()
    folds.commit()
    folds.check(USERS)


def edges(rules: Rules) -> list[int]:
    """How far apart (ms) two events are where something begins or ends, without and with grace."""
    spans = [rules.tumbling, rules.hopping_size, rules.average_size, rules.session_gap]
    spans += [0, rules.hopping_step, 2 * rules.session_gap]
    return [span + grace for span in spans for grace in (0, rules.grace)]


@pytest.mark.parametrize("rules", RULES)
def test_every_edge_to_the_millisecond(rules: Rules) -> None:
    """Each event lies at an edge of something that an earlier one has made, or just beside."""
    dice = random.Random(7)
    apart = edges(rules)
    for _ in range(150):
        folds, times = Folds(rules), [BASE + dice.choice([0, 1, rules.tumbling - 1])]
        for number in range(40):
            span = dice.choice(apart) * (1 if dice.random() < 0.6 else -1)
            times.append(max(dice.choice(times[-5:]) + span + dice.choice([-1, 0, 0, 1]), 0))
            folds.take(dice.choice(USERS[:2]), times[-1], dice.choice([None, 1, 5, -7]))
            if number % 8 == 0:
                folds.commit()
        folds.commit()
        folds.check(USERS)


@pytest.mark.parametrize("rules", RULES)
def test_nothing_is_left_of_users_who_do_not_come_back(rules: Rules) -> None:
    folds = Folds(rules)
    for number in range(400):
        folds.take(USERS[number % 3], BASE + number * 700 - number % 7 * 900, number)
    folds.commit()
    last = BASE + 100 * 60 * MINUTE
    folds.take("last", last, 1)
    for _ in range(3):
        folds.commit()
    folds.check([*USERS, "last"])
    # Of the one who came last: a row of each table, and an entry in each index.
    for tables in (event_counts.TABLES, hopping_counts.TABLES):
        assert folds.stored.count(tables.counts) <= 1
        assert folds.stored.count(tables.expiry) <= 2
    for table in (USER_ROWS, TIMERS, sessions.OPEN_TIMERS):
        assert folds.stored.count(table) == 1
    assert folds.stored.count(PARTS, sessions.CLOSED, sessions.CLOSED_EXPIRY) == 0


@given(st.integers(0, 2**32), st.sampled_from([300, 3000]), st.sampled_from([0, 2 * MINUTE]))
@settings(max_examples=12, deadline=None)
def test_a_hot_user_in_parts(seed: int, disorder: int, pause: int) -> None:
    """So many values that they lie in many parts, which are small here."""
    dice = random.Random(seed)
    rules = Rules(grace=2 * SECOND, retention=90 * SECOND, average_size=20 * SECOND)
    folds, time = Folds(rules), BASE
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(series, "_HEAD_ENTRIES", 12)
        patch.setattr(moving_average, "ALONE", 5)
        patch.setattr(series, "_PART_ENTRIES", 9)
        for number in range(900):
            time += dice.randrange(40) + (pause if number == 500 else 0)
            behind = dice.randrange(disorder) if dice.random() < 0.9 else dice.randrange(25_000)
            folds.take("hot", time - behind, dice.randrange(1000))
            if number % 150 == 0:
                folds.commit()
                folds.check(["hot"])
            elif number % 97 == 0:
                folds.kill()
        folds.commit()
        folds.check(["hot"])
        assert folds.stored.count(PARTS) > 3


def test_sums_beyond_64_bits_are_exact() -> None:
    folds, most = Folds(Rules()), 10**15
    for _ in range(10_000):
        folds.take("rich", BASE, most)
    folds.commit()
    folds.kill()
    folds.check(["rich"])
    found: Any = folds.views("rich")["average"]
    assert found.sum == 10_000 * most > 2**63
