"""OK, SLOW, STALLED: by lag, commits and the clock."""

import logging

import pytest

from app.engine.standing import Standing
from app.observability.progress import Progress, ProgressWatch, State
from tests.support.hand_clock import HandClock

AFTER = 60.0


class Topics:
    """Two topics of partition 0, and a watch over them."""

    def __init__(self) -> None:
        self.clock = HandClock()
        self.standings = {topic: Standing(topic, 0, 0, 0, None) for topic in ("a", "b")}
        self.watch = ProgressWatch(self.look, self.clock, AFTER)

    def look(self) -> list[Standing]:
        return list(self.standings.values())

    def set(self, topic: str, committed: int, lag: int, waited: float | None = None) -> None:
        oldest = None if waited is None else int((self.clock.now - waited) * 1000)
        self.standings[topic] = Standing(topic, 0, committed, lag, oldest)

    def after(self, seconds: float) -> Progress:
        """What is found then; the watch has looked now, and every second meanwhile."""
        self.watch.progress()
        for _ in range(int(seconds)):
            self.clock.now += 1
            self.watch.progress()
        [found] = self.watch.progress()
        return found


def test_without_lag_nothing_ever_stalls() -> None:
    topics = Topics()
    for _ in range(3):
        assert topics.after(10 * AFTER) == Progress(0, State.OK, 0, 0.0, 0.0)


def test_lag_without_a_commit_stalls_after_the_time_and_not_before() -> None:
    topics = Topics()
    topics.after(1000)
    topics.set("a", 5, 3, waited=0)
    assert topics.after(0).state is State.OK
    assert topics.after(AFTER - 1) == Progress(0, State.OK, 3, AFTER - 1, AFTER - 1)
    assert topics.after(1) == Progress(0, State.STALLED, 3, AFTER, AFTER)
    assert topics.watch.stalled == [0]
    assert topics.watch.warnings() == [
        "partition 0 is stalled: 3 records wait, the first for 60 s; no commit for 60 s"
    ]


def test_the_time_before_the_records_came_does_not_count() -> None:
    """An idle partition has not committed for an hour either."""
    topics = Topics()
    topics.after(3600)
    topics.set("a", 0, 1, waited=0)
    assert topics.after(AFTER - 1).state is State.OK
    assert topics.after(1).state is State.STALLED


def test_a_process_that_was_stopped_has_not_stalled() -> None:
    topics = Topics()
    topics.set("a", 0, 1, waited=0)
    topics.after(1)
    topics.clock.now += 3600
    [found] = topics.watch.progress()
    assert (found.state, found.lag_seconds) == (State.SLOW, 3601)
    assert topics.after(AFTER).state is State.STALLED


def test_a_commit_of_either_topic_is_progress() -> None:
    topics = Topics()
    topics.set("a", 0, 9, waited=0)
    topics.set("b", 0, 9, waited=0)
    topics.after(0)
    for offset in range(1, 5):
        topics.set("b", offset, 9, waited=0)
        topics.set("a", 0, 9, waited=0)
        found = topics.after(AFTER - 1)
        assert (found.state, found.lag_records) == (State.OK, 18)
    assert topics.after(AFTER).state is State.STALLED


def test_one_that_commits_but_is_far_behind_is_slow() -> None:
    topics = Topics()
    for offset in range(3):
        topics.set("a", offset, 9, waited=AFTER)
        found = topics.after(1)
        assert (found.state, found.lag_seconds) == (State.SLOW, AFTER + 1)
    assert topics.watch.warnings() == ["partition 0 is slow: 9 records wait, the first for 61 s"]
    assert topics.watch.stalled == []
    topics.set("a", 3, 9, waited=1)
    assert topics.after(0).state is State.OK


@pytest.mark.parametrize("oldest", [None, -1])
def test_a_record_of_unknown_time_has_waited_since_it_is_known_of(oldest: int | None) -> None:
    topics = Topics()
    topics.standings["a"] = Standing("a", 0, 0, 1, oldest)
    assert topics.after(0).lag_seconds == 0
    assert topics.after(20).lag_seconds == 20
    assert [(lag.topic, lag.seconds) for lag in topics.watch.lags()] == [("a", 20), ("b", 0)]


def test_a_record_from_the_future_has_not_waited() -> None:
    topics = Topics()
    topics.set("a", 0, 1, waited=-500)
    assert topics.after(1).lag_seconds == 0


def test_a_partition_that_leaves_and_comes_back_begins_anew() -> None:
    topics = Topics()
    topics.set("a", 0, 1, waited=0)
    topics.after(0)
    assert topics.after(AFTER).state is State.STALLED
    held, topics.standings = topics.standings, {}
    assert topics.watch.progress() == []
    topics.standings = held
    assert topics.after(0).state is not State.STALLED
    assert topics.after(AFTER).state is State.STALLED


def test_a_stall_is_logged_once_and_its_end_too(caplog: pytest.LogCaptureFixture) -> None:
    topics = Topics()
    topics.set("a", 0, 1, waited=0)
    topics.after(0)
    for _ in range(5):
        topics.after(AFTER)
    [stalled] = caplog.records
    assert stalled.levelno == logging.ERROR
    assert stalled.getMessage().startswith("partition 0 is stalled: 1 records wait")
    topics.set("a", 1, 1, waited=0)
    topics.after(1)
    assert [record.levelno for record in caplog.records] == [logging.ERROR, logging.WARNING]
