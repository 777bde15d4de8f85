"""How many records the next commit takes."""

import pytest

from app.engine.commit_size import CommitSize
from app.engine.errors import LostError


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr("app.engine.commit_size.time", made)
    return made


def send(size: CommitSize, clock: Clock, records: int, seconds: float, *, lost: bool) -> int:
    try:
        with size.sending(records):
            clock.now += seconds
            if lost:
                raise LostError("late")
    except LostError:
        assert lost
    return size.records


def test_a_commit_that_was_late_is_tried_in_smaller_ones_that_grow_again(clock: Clock) -> None:
    size = CommitSize(60_000, 12.0)
    assert send(size, clock, 40_000, 12.0, lost=True) == 10_000
    assert send(size, clock, 10_000, 12.0, lost=True) == 2_500
    # Neither near its end nor fast: it stays.
    assert send(size, clock, 2_500, 5.0, lost=False) == 2_500
    assert send(size, clock, 2_500, 1.0, lost=False) == 5_000
    assert send(size, clock, 5_000, 7.0, lost=False) == 1_250
    for _ in range(10):
        send(size, clock, 1, 0.1, lost=False)
    assert size.records == 60_000


def test_what_is_lost_at_once_was_not_too_large(clock: Clock) -> None:
    size = CommitSize(60_000, 12.0)
    assert send(size, clock, 40_000, 0.2, lost=True) == 60_000


def test_one_record_is_the_least(clock: Clock) -> None:
    size = CommitSize(60_000, 12.0)
    for _ in range(3):
        assert send(size, clock, 2, 12.0, lost=True) == 1
