"""Hand-worked examples of moving averages and sessions (contract section 4)."""

from tests.oracle.making import BASE, MINUTE, ONE, SECOND, Log
from tests.oracle.model import Expected, Model
from tests.oracle.records import Settings
from tests.oracle.results import (
    MOVING_AVERAGE,
    SESSION,
)


def run(log: Log, settings: Settings = ONE) -> Expected:
    return Model(log.records, settings).run()


def late(expected: Expected, computation: str) -> list[tuple[int, int]]:
    """(source offset, stream time) of the late records."""
    return [
        (late.event.record.offset, late.stream_time - BASE)
        for late in expected.partitions[0].ledger.late
        if late.computation == computation
    ]


def averages(expected: Expected) -> dict[int, tuple[int, float]]:
    user = expected.partitions[0].averages.users["u"]
    return {end - BASE: (window.count, window.micro / 1e6) for end, window in user.windows.items()}


def test_average_window_has_both_ends() -> None:
    log = Log()
    log.act(0, "1")
    log.act(10 * MINUTE, "3")
    log.act(10 * MINUTE + 1, "5")
    log.act(10 * MINUTE + 1)
    expected = run(log)
    assert averages(expected) == {
        0: (1, 1),
        10 * MINUTE: (2, 4),
        10 * MINUTE + 1: (2, 8),
    }
    view = expected.view("moving-average", "u")
    assert (view["average"], view["count"]) == (4.0, 2)
    assert view["end"] == "2016-08-22T00:10:00.001Z"


def test_an_event_counts_in_open_windows_that_end_later_and_in_those_made_afterwards() -> None:
    log = Log()
    log.act(0, "1")
    log.act(90 * SECOND, "2")
    log.act(10 * SECOND, "4")  # its own window closed at 70 s: never made; counts in that of 90 s
    log.act(85 * SECOND, "8")  # made afterwards: holds 0, 10 s and itself
    expected = run(log)
    assert averages(expected) == {0: (1, 1), 85 * SECOND: (3, 13), 90 * SECOND: (4, 15)}
    assert late(expected, MOVING_AVERAGE) == []
    assert [row["window_end"] for row in expected.partitions[0].averages.final()] == [BASE]


def test_average_late_when_all_its_windows_are_closed_then_it_counts_in_none() -> None:
    log = Log()
    log.act(0, "1")
    log.act(61 * SECOND, "2", user="other")
    log.act(0, "4")
    log.act(1 * SECOND, "8")
    expected = run(log)
    assert late(expected, MOVING_AVERAGE) == [(2, 61 * SECOND)]
    assert averages(expected) == {0: (1, 1), SECOND: (2, 9)}


def test_events_without_a_value_do_not_move_the_averages_stream_time() -> None:
    log = Log()
    log.act(0, "1")
    log.act(60 * MINUTE)
    expected = run(log)
    assert expected.partitions[0].averages.final() == []
    assert expected.view("moving-average", "u")["as_of"] == "2016-08-22T00:00:00.000Z"


def sessions(expected: Expected) -> list[tuple[int, int, int]]:
    found = expected.partitions[0].sessions.users["u"]
    return [(s.start - BASE, s.end - BASE, s.count) for s in found]


def test_exactly_thirty_minutes_belong_together() -> None:
    log = Log()
    log.act(0)
    log.act(30 * MINUTE)
    log.act(60 * MINUTE + 1)
    assert sessions(run(log)) == [(0, 30 * MINUTE, 2), (60 * MINUTE + 1, 60 * MINUTE + 1, 1)]


def test_an_out_of_order_event_merges_two_open_sessions() -> None:
    log = Log()
    log.act(0)
    log.act(30 * MINUTE + 30 * SECOND)
    assert len(sessions(run(log))) == 2
    log.act(15 * MINUTE)
    assert sessions(run(log)) == [(0, 30 * MINUTE + 30 * SECOND, 3)]


def test_a_closed_session_is_as_if_absent() -> None:
    log = Log()
    log.act(0)
    log.act(31 * MINUTE, user="other")
    log.act(2 * SECOND)  # the first is open to the last: 31 min is not more than the grace past
    log.act(31 * MINUTE + 3 * SECOND, user="other")
    log.act(10 * SECOND)  # the session ended at 2 s and is closed: an own one
    log.act(1 * SECOND)  # merged with that of 10 s, which is open: not late
    log.act(31 * MINUTE + 20 * SECOND, user="other")
    log.act(5 * SECOND)  # all closed
    expected = run(log)
    assert sessions(expected) == [(0, 2_000, 2), (1_000, 10_000, 2)]
    assert late(expected, SESSION) == [(7, 31 * MINUTE + 20 * SECOND)]
    shown = expected.view("sessions", "u")["sessions"]
    assert isinstance(shown, list)
    assert [row["closed"] for row in shown] == [True, True]
