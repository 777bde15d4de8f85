"""Hand-worked examples of the merge and the enrichment (contract section 4)."""

from dataclasses import replace

from tests.oracle.exact_join import exact_join, share_exact
from tests.oracle.making import BASE, MINUTE, ONE, SECOND, Faultless, Log
from tests.oracle.merge import Queues, Replay
from tests.oracle.model import Expected, Model
from tests.oracle.records import CLICKS, ENRICHED, PURCHASES
from tests.oracle.results import ENRICHMENT


def run(log: Log) -> Expected:
    return Model(log.records, ONE).run()


def pages(expected: Expected) -> list[list[str]]:
    return [list(e.pages) for e in expected.partitions[0].enrichment.enriched]


def clicks_offsets(expected: Expected) -> list[set[int]]:
    return [set(e.clicks_offset) for e in expected.partitions[0].enrichment.enriched]


def late(expected: Expected) -> list[tuple[str, int, int]]:
    return [
        (late.event.record.topic, late.event.record.offset, late.stream_time - BASE)
        for late in expected.partitions[0].ledger.late
        if late.computation == ENRICHMENT
    ]


def test_ten_minutes_both_ends_included() -> None:
    log = Log()
    for time, page in ((-1, "before"), (0, "first"), (10 * MINUTE, "last")):
        log.click(time, page)
    log.click(10 * MINUTE + 1, "after")
    log.buy(10 * MINUTE)
    assert pages(run(log)) == [["first", "last"]]


def test_a_purchase_stands_join_wait_after_its_time_and_a_click_goes_first_on_a_tie() -> None:
    log = Log()
    log.click(11 * SECOND, "tie: taken before, but after the purchase's time")
    log.click(10 * SECOND, "taken before")
    log.click(11 * SECOND + 1, "stands behind")
    log.click(9 * SECOND, "blocked by the head before it")
    log.buy(10 * SECOND)
    expected = run(log)
    assert pages(expected) == [["taken before"]]
    assert clicks_offsets(expected) == [{2}]


def test_pages_come_by_event_time_then_offset_and_only_the_users_own() -> None:
    log = Log()
    log.click(2 * SECOND, "c")
    log.click(1 * SECOND, "a")
    log.click(1 * SECOND, "other", user="v")
    log.click(1 * SECOND, "b")
    log.buy(5 * SECOND)
    assert pages(run(log)) == [["a", "b", "c"]]


def test_the_newest_fifty() -> None:
    log = Log()
    for number in range(51):
        log.click(number, str(number))
    log.buy(SECOND)
    assert pages(run(log)) == [[str(number) for number in range(1, 51)]]


def test_a_purchase_is_late_when_it_stands_more_than_the_grace_behind() -> None:
    log = Log()
    log.click(0, "a")
    log.click(61 * SECOND, "now")
    assert late(run_with(log, buy_at=0)) == []
    log.click(61 * SECOND + 1, "later")
    expected = run_with(log, buy_at=0)
    assert late(expected) == [(PURCHASES, 1, 61_001)]
    assert pages(expected)[-1] == ["a"], "late, and still enriched from the clicks kept"


def run_with(log: Log, buy_at: int) -> Expected:
    """With a purchase that the merge can only take after every click so far.

    A purchase with a later time is before it in the queue and holds it back.
    """
    more = Log()
    more.records = list(log.records)
    clicks = [record for record in log.records if record.topic == CLICKS]
    newest = 61 * SECOND + (1 if len(clicks) > 2 else 0)
    more.buy(newest - SECOND, user="other")
    more.buy(buy_at)
    return Model(more.records, ONE).run()


def test_a_click_is_late_ten_minutes_and_wait_and_grace_behind() -> None:
    bound = 10 * MINUTE + SECOND + MINUTE
    log = Log()
    log.click(bound, "now")
    log.click(0, "just in time")
    log.click(-1, "late")
    log.buy(0)
    expected = run(log)
    assert late(expected) == [(CLICKS, 2, bound)]


def test_kept_clicks_are_dropped_when_stream_time_is_past_the_bound() -> None:
    bound = 10 * MINUTE + SECOND + MINUTE
    for now, kept in ((bound, ["a"]), (bound + 1, [])):
        log = Log()
        log.click(0, "a")
        log.click(now, "now", user="other")
        log.buy(now - SECOND, user="other")
        log.buy(5 * SECOND)
        expected = run(log)
        assert pages(expected)[-1] == kept
        assert late(expected) == [(PURCHASES, 1, now)]


def test_the_purchases_own_time_moves_stream_time_before_it_looks() -> None:
    log = Log()
    log.buy(20 * MINUTE)
    log.click(0, "a")
    expected = run(log)
    assert expected.partitions[0].enrichment.stream_time == BASE + 20 * MINUTE
    assert late(expected) == []  # the click stood first, so it was taken first


def test_rejected_records_take_no_part_in_the_merge() -> None:
    log = Log()
    log.raw(CLICKS, b"u", b"bad")
    log.click(0, "a")
    log.raw(CLICKS, b"u", None)
    log.raw(PURCHASES, None, b"{}")
    log.buy(SECOND)
    expected = run(log)
    assert pages(expected) == [["a"]]
    assert clicks_offsets(expected) == [{2, 3}]
    assert {at: d.reasons[0] for at, d in expected.dead.items()} == {
        (CLICKS, 0, 0): "not-json",
        (CLICKS, 0, 2): "null-value",
        (PURCHASES, 0, 0): "null-key",
    }


def test_without_any_click_the_offset_is_zero() -> None:
    log = Log()
    log.buy(0)
    assert clicks_offsets(run(log)) == [{0}]


def replayed(log: Log, offset: int, slack: int | None = None) -> Expected:
    """The model told that the first purchase was taken before the click at `offset`."""
    faultless = Faultless(Model(log.records, ONE).run()).outputs()
    first, *rest = [record for record in faultless if record.topic == ENRICHED]
    headers = dict(first.headers) | {"clicks.offset": str(offset).encode()}
    changed = replace(first, headers=tuple(headers.items()))
    return Model(log.records, ONE, enriched=[changed, *rest], slack=slack).run()


def test_replay_follows_the_choice_that_was_committed() -> None:
    log = Log()
    log.click(0, "a")
    log.click(SECOND, "written late", written=20 * SECOND)
    log.buy(5 * SECOND, written=5 * SECOND)
    expected = replayed(log, offset=1, slack=0)
    assert pages(expected) == [["a"]]
    assert expected.differences == []


def test_replay_finds_a_purchase_that_did_not_wait() -> None:
    log = Log()
    log.click(0, "a", written=0)
    log.buy(5 * SECOND, written=5 * SECOND)
    (difference,) = replayed(log, offset=0, slack=0).differences
    assert "did not wait for click 0" in difference


def test_replay_finds_a_click_that_passed_a_purchase() -> None:
    log = Log()
    log.buy(5 * SECOND, written=5 * SECOND)
    log.click(7 * SECOND, "a", written=7 * SECOND)
    (difference,) = replayed(log, offset=1, slack=0).differences
    assert "went first" in difference


def test_replay_finds_a_step_back_and_an_offset_that_is_not_there() -> None:
    log = Log()
    log.click(0, "a")
    log.buy(0)
    log.buy(1)
    expected = replayed(log, offset=2)
    assert any("not in 0..1" in text for text in expected.differences)
    events, clicks = expected.events, expected.records[CLICKS]
    replay = Replay(Queues(events[CLICKS][0], events[PURCHASES][0], clicks), {0: 1, 1: 0}, ONE)
    assert [step.event.record.topic for step in replay.order()] == [CLICKS, PURCHASES, PURCHASES]
    assert len(replay.differences) == 1
    assert "goes back" in replay.differences[0]


def test_recent_clicks_view_reaches_ten_minutes_behind_stream_time() -> None:
    log = Log()
    log.click(10 * MINUTE, "now")
    log.click(0, "edge")
    log.click(-1, "gone")
    view = Model(log.records, ONE).run().view("recent-clicks", "u")
    assert view["clicks"] == [
        {"page": "edge", "timestamp": "2016-08-22T00:00:00.000Z"},
        {"page": "now", "timestamp": "2016-08-22T00:10:00.000Z"},
    ]
    assert view["as_of"] == "2016-08-22T00:10:00.000Z"


def test_enriched_purchases_are_kept_for_the_retention() -> None:
    log = Log()
    log.buy(0, "1")
    log.buy(1, "2.5")
    log.buy(60 * MINUTE + 1, "3")
    rows = run(log).view("enriched-purchases", "u")["purchases"]
    assert isinstance(rows, list)
    assert [float(row["amount"]) for row in rows] == [3, 2.5]


def test_exact_join_is_blind_to_arrival() -> None:
    log = Log()
    log.click(30 * MINUTE, "far ahead")
    log.click(0, "hidden behind it")
    log.buy(SECOND)
    exact = exact_join(log.records, ONE)
    assert exact == {(PURCHASES, 0, 0): ["hidden behind it"]}
    assert share_exact(exact, {(PURCHASES, 0, 0): []}) == 0
    assert share_exact(exact, exact) == 1
