"""Hand-worked examples of counts, revenue and totals (contract section 4)."""

from decimal import Decimal

from tests.oracle.making import BASE, MINUTE, ONE, SECOND, Log
from tests.oracle.model import Expected, Model
from tests.oracle.records import PURCHASES, USER_EVENTS, Settings
from tests.oracle.results import (
    EVENT_COUNTS,
    HOPPING_COUNTS,
    REVENUE_SUM,
)
from tests.oracle.windows import starts_containing


def run(log: Log, settings: Settings = ONE) -> Expected:
    return Model(log.records, settings).run()


def late(expected: Expected, computation: str) -> list[tuple[int, int]]:
    """(source offset, stream time) of the late records."""
    return [
        (late.event.record.offset, late.stream_time - BASE)
        for late in expected.partitions[0].ledger.late
        if late.computation == computation
    ]


def counts(expected: Expected) -> dict[int, int]:
    cells = expected.partitions[0].counts.cells
    return {start - BASE: cell.count for (_, start), cell in cells.items()}


def rows(expected: Expected, view: str, name: str) -> list[dict[str, object]]:
    found = expected.view(view, "u")[name]
    assert isinstance(found, list)
    return found


def test_windows_contain_their_start_and_not_their_end() -> None:
    log = Log()
    for time in (0, 5 * MINUTE - 1, 5 * MINUTE):
        log.act(time)
    assert counts(run(log)) == {0: 2, 5 * MINUTE: 1}


def test_a_window_is_open_until_stream_time_is_past_its_last_ms_by_more_than_grace() -> None:
    for now, expected_late in ((6 * MINUTE - 1, []), (6 * MINUTE, [(1, 6 * MINUTE)])):
        log = Log()
        log.act(now)
        log.act(0)
        expected = run(log)
        assert late(expected, EVENT_COUNTS) == expected_late
        closed = Log()
        closed.act(0)
        closed.act(now)
        assert rows(run(closed), "event-counts", "windows")[0]["closed"] is bool(expected_late)


def test_windows_are_dropped_retention_after_they_closed() -> None:
    last_seen = 6 * MINUTE + 60 * MINUTE - 1
    for now, shown in ((last_seen, 2), (last_seen + 1, 1)):
        log = Log()
        log.act(0)
        log.act(now)
        assert len(rows(run(log), "event-counts", "windows")) == shown


def test_hopping_windows_five_per_event_none_before_the_epoch() -> None:
    size, step = 10 * MINUTE, 2 * MINUTE
    assert starts_containing(BASE, size, step) == [BASE - n * step for n in (4, 3, 2, 1, 0)]
    assert starts_containing(3 * MINUTE, size, step) == [0, 2 * MINUTE]
    assert starts_containing(10 * MINUTE, size, step)[0] == 2 * MINUTE


def test_a_record_late_for_some_hopping_windows_counts_in_the_others() -> None:
    log = Log()
    log.act(5 * MINUTE)
    log.act(0)
    log.act(11 * MINUTE - 1)
    log.act(0)
    expected = run(log)
    by_start = {r["start"]: r["count"] for r in rows(expected, "hopping-counts", "windows")}
    assert "2016-08-21T23:54:00.000Z" not in by_start, "closed from 00:05 on"
    assert by_start["2016-08-21T23:56:00.000Z"] == 2
    assert by_start["2016-08-22T00:00:00.000Z"] == 3, "open to the last"
    assert late(expected, HOPPING_COUNTS) == []
    assert late(expected, EVENT_COUNTS) == [(3, 11 * MINUTE - 1)]


def test_revenue_takes_purchases_only_and_keeps_its_own_stream_time() -> None:
    log = Log()
    log.click(30 * MINUTE, "does not move revenue's stream time")
    log.buy(6 * MINUTE - 1, "0.1")
    log.buy(0, "0.2")
    log.buy(6 * MINUTE, "0.7")
    log.buy(0, "5")
    expected = run(log)
    assert late(expected, REVENUE_SUM) == [(3, 6 * MINUTE)]
    merged = expected.revenue()
    assert merged.value(BASE)["revenue"] == Decimal("0.2")
    assert merged.value(BASE + 5 * MINUTE)["revenue"] == Decimal("0.8")
    total = expected.totals()
    assert (total.purchases, total.micro) == (4, 6_000_000), "totals are never late"


def test_a_merged_window_is_closed_when_every_partition_with_a_purchase_has_closed_it() -> None:
    first, second = Log(0), Log(1)
    first.buy(0, "1")
    first.buy(6 * MINUTE, "2")
    second.buy(6 * MINUTE - 1, "4")
    three = Settings(partitions=3)
    expected = Model(first.records + second.records, three).run()
    assert expected.revenue().row(BASE)["closed"] is False
    second.buy(6 * MINUTE, "8")
    merged = Model(first.records + second.records, three).run().revenue()
    assert merged.row(BASE)["closed"] is True
    assert merged.value(BASE + 5 * MINUTE) == {
        "window_start": BASE + 5 * MINUTE,
        "window_end": BASE + 10 * MINUTE,
        "revenue": Decimal(14),
        "purchases": 3,
    }


def test_merged_revenue_is_dropped_by_the_slowest_partition() -> None:
    week = 7 * 24 * 60 * MINUTE
    log, slow = Log(0), Log(1)
    log.buy(0)
    log.buy(6 * MINUTE + week)
    slow.buy(0)
    two = Settings(partitions=2)
    assert len(Model(log.records + slow.records, two).run().revenue().kept()) == 2
    slow.buy(6 * MINUTE + week - 1)
    assert BASE in Model(log.records + slow.records, two).run().revenue().kept()
    slow.buy(6 * MINUTE + week)
    merged = Model(log.records + slow.records, two).run().revenue()
    assert merged.kept() == [BASE + week + 5 * MINUTE]
    assert merged.perhaps_kept() == set(merged.kept())


def test_totals_by_action_and_their_stream_time() -> None:
    log = Log()
    log.act(5 * SECOND, action="view")
    log.act(0, action="view")
    log.act(0, action="cart", user="other")
    log.buy(9 * SECOND, "2.5")
    expected = run(log)
    view = expected.view("totals", "u")
    assert view["actions"] == {"view": 2}
    assert (view["purchases"], view["revenue"]) == (1, Decimal("2.5"))
    assert view["as_of"] == "2016-08-22T00:00:09.000Z"
    assert dict(expected.totals().actions) == {"view": 2, "cart": 1}


def test_a_record_whose_handler_failed_has_no_effect_at_all() -> None:
    log = Log()
    log.act(0)
    log.act(60 * MINUTE)
    log.act(1)
    log.buy(0)
    failing = {(USER_EVENTS, 0, 1): "handler", (PURCHASES, 0, 0): "handler"}
    expected = Model(log.records, ONE, failing=failing).run()
    assert counts(expected) == {0: 2}
    assert expected.totals().purchases == 0
    assert {at: dead.reasons for at, dead in expected.dead.items()} == dict.fromkeys(
        failing, ("handler",)
    )


def test_an_unknown_user_is_empty() -> None:
    expected = run(Log())
    assert expected.view("totals", "x") == {
        "user_id": "x",
        "actions": {},
        "purchases": 0,
        "revenue": Decimal(0),
        "partition": 0,
        "as_of": None,
    }
    assert expected.view("moving-average", "x")["average"] is None
