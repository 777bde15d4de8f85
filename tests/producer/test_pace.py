import pytest

from app.producer.pace import Pace, shift_to

MINUTE = 60_000


class Clock:
    def __init__(self) -> None:
        self.seconds = 100.0

    def __call__(self) -> float:
        return self.seconds


@pytest.mark.parametrize(("speed", "wait"), [(1.0, 60.0), (60.0, 1.0), (0.5, 120.0)])
def test_speed_is_events_seconds_in_a_second(speed: float, wait: float) -> None:
    pace = Pace(speed, Clock())
    assert pace.wait_for(5_000) == 0
    assert pace.wait_for(5_000 + MINUTE) == pytest.approx(wait)


def test_what_is_behind_is_due_at_once() -> None:
    clock = Clock()
    pace = Pace(1.0, clock)
    pace.wait_for(0)
    clock.seconds += 90
    assert pace.wait_for(MINUTE) == 0
    assert pace.wait_for(2 * MINUTE) == pytest.approx(30)
    assert pace.wait_for(-MINUTE) == 0


def test_no_speed_is_no_waiting() -> None:
    pace = Pace(0, Clock())
    assert [pace.wait_for(time) for time in (0, MINUTE, 10**12)] == [0, 0, 0]


@pytest.mark.parametrize(
    ("speed", "last"),
    [
        (0, 1_000_000),  # all at once: the last one is now
        (1, 1_000_000 + 10 * MINUTE),  # live: each one is sent at its own time
        (60, 1_000_000 + 10_000),  # the last one is sent ten seconds from now
        (0.5, 1_000_000 + 10 * MINUTE),  # the first one is now, none lies in the future when sent
    ],
)
def test_shifted_to_now_the_last_event_ends_when_it_is_sent(speed: float, last: int) -> None:
    assert 20 * MINUTE + shift_to(1_000_000, 10 * MINUTE, 20 * MINUTE, speed) == last
