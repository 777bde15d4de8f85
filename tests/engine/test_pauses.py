"""Pauses before something is tried again."""

from app.engine.pauses import Pauses


def test_pauses_grow_to_the_longest_and_begin_anew() -> None:
    pauses = Pauses(0.5, 3.0)
    assert [pauses.next() for _ in range(5)] == [0.5, 1.0, 2.0, 3.0, 3.0]
    pauses.reset()
    assert pauses.next() == 0.5
