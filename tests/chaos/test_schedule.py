"""A seed gives a schedule, and gives it again; the table is made from what struck."""

from pathlib import Path

import pytest

from benchmarks.report import replace_block
from tests.chaos import soak
from tests.chaos.report import BEGIN, END, load, markdown, save
from tests.chaos.result import Report, Strike
from tests.chaos.runner import build
from tests.chaos.schedule import DAMAGES, IN_TURN, POINTS, Kind, again, make_schedule
from tests.chaos.soak import ALONE, RESULTS, SOAK, arguments, scaled, tier_of
from tests.chaos.stage import SHORT, THREE

WANTED = {Kind.KILL: 7, Kind.FAILPOINT: len(POINTS), Kind.DAMAGE: 4, Kind.SCALE: 4}


def test_the_same_seed_gives_the_same_faults() -> None:
    assert make_schedule(5, WANTED) == make_schedule(5, WANTED)
    assert make_schedule(5, WANTED).faults != make_schedule(6, WANTED).faults


def test_each_kind_comes_as_often_as_wanted_and_in_all_its_forms() -> None:
    faults = make_schedule(5, WANTED).faults
    assert {kind: sum(f.kind is kind for f in faults) for kind in WANTED} == WANTED
    assert [f.number for f in faults] == list(range(1, len(faults) + 1))
    assert {f.detail for f in faults if f.kind is Kind.DAMAGE} == set(DAMAGES)
    named = {f.detail.partition(":")[0] for f in faults if f.kind is Kind.FAILPOINT}
    assert named == set(POINTS)
    assert [f.detail for f in faults if f.kind is Kind.SCALE] == ["4", "2", "1", "4"]


def test_a_fault_without_evidence_is_tried_again_in_the_same_form() -> None:
    schedule = make_schedule(5, {Kind.BROKER_PAUSE: 4, Kind.DAMAGE: 4, Kind.FAILPOINT: 3})
    assert schedule.forms[Kind.BROKER_PAUSE.value] == {"5 s": 2, "20 s": 1, "70 s": 1}
    report = Report(5, [], "", "", schedule.by_name, forms=schedule.forms)
    for fault in schedule.faults:
        struck = fault.form not in ("older", "70 s")
        report.strikes.append(
            Strike(fault.number, fault.kind.value, "", 0, struck, "", form=fault.form)
        )
    report.strikes.append(Strike(12, Kind.DAMAGE.value, "", 0, True, "", form="delete"))
    assert report.short_of() == {"broker stopped 70 s": 1, "store damage older": 1}
    for kind, form in report.missing():
        first = schedule.first(kind, form or "")
        more = again(5, first, 13)
        assert (more.form, more.detail, more.seconds) == (form, first.detail, first.seconds)
        assert (more.number, more.overlap) == (13, False)


def test_the_soak_stops_the_broker_for_each_time() -> None:
    forms = make_schedule(5, ALONE.wanted).forms
    assert set(forms[Kind.BROKER_PAUSE.value]) == {"5 s", "20 s", "70 s"}
    assert set(make_schedule(5, SHORT.wanted).forms[Kind.BROKER_PAUSE.value]) == {"5 s", "20 s"}
    assert set(forms[Kind.DAMAGE.value]) == set(DAMAGES)


def test_the_soak_of_three_brokers_has_every_form() -> None:
    forms = make_schedule(5, SOAK.wanted).forms
    for kind, turns in IN_TURN.items():
        expected = {f"to {turn}" for turn in turns} if kind is Kind.SCALE else set(turns)
        assert set(forms[kind.value]) == expected
    assert set(Kind) - SOAK.wanted.keys() == {Kind.BROKER_KILL, Kind.BROKER_PAUSE}
    assert {SOAK.brokers, THREE.brokers, ALONE.brokers, SHORT.brokers} == {3, 1}
    of_three = {f.detail: f.seconds for f in make_schedule(5, SOAK.wanted).faults}
    assert (of_three["freeze 15 s"], of_three["freeze 60 s"]) == (15, 60)
    assert of_three["two killed"] >= 8


def test_the_command_takes_one_broker_or_three() -> None:
    assert tier_of(arguments([])) == SOAK
    assert tier_of(arguments(["--brokers", "1"])) == ALONE
    assert tier_of(arguments(["--tier", "short", "--brokers", "3"])) == THREE
    assert tier_of(arguments(["--fuzz"])).fuzz > tier_of(arguments(["--no-fuzz"])).fuzz == 0


def test_a_shorter_soak_keeps_every_kind() -> None:
    small = scaled(ALONE, 10)
    assert small.wanted.keys() == ALONE.wanted.keys()
    assert small.records == 100_000
    assert small.wanted[Kind.KILL] == 9
    assert min(small.wanted.values()) == 1


def test_the_table_is_made_from_the_raw_result(tmp_path: Path) -> None:
    strikes = [
        Strike(n, Kind.KILL.value, "", 0, n < 3, "7 records in flight", float(n)) for n in range(4)
    ]
    report = Report(9, ["#1"], "cmd", "2026-01-01T00:00:00+00:00", {Kind.KILL.value: 4}, strikes)
    report.numbers = {"records": 1000, "seconds": 60.0}
    read = load(save(report, tmp_path))
    assert read == report
    assert "| kill -9 at random | 4 | 3 | 1 | 3: 1.0 / 2.0 / 2.0 s |" in markdown(read)
    assert "Lost 0, twice 0, wrong 0; stood still or ended 0." in markdown(read)
    read.fail("duplicates", "x")
    read.fail("enriched-purchases:missing", "y")
    read.fail("rest", "z")
    assert "Lost 1, twice 1, wrong 0; stood still or ended 1." in markdown(read)
    read.forms = {Kind.KILL.value: {"a": 2, "b": 1, "c": 1}}
    read.strikes = [Strike(1, Kind.KILL.value, "", 0, True, "", form=f) for f in ("a", "b", "b")]
    read.commit, read.dirty = "0123456789abcdef", True
    assert "- kill -9 at random: a: 1 of 2; b: 2 of 1; c: 0 of 1" in markdown(read)
    assert "Build 0123456789ab, with changes." in markdown(read)
    assert "**Not reached**: kill -9 at random c: 1 short" in markdown(read)
    document = f"a\n{BEGIN}\nold\n{END}\nb\n"
    assert replace_block(document, "new", BEGIN, END) == f"a\n{BEGIN}\nnew\n{END}\nb\n"
    with pytest.raises(ValueError, match="no <!-- soak"):
        replace_block("nothing", "new", BEGIN, END)


def test_a_recovery_beyond_its_limits_fails_the_soak() -> None:
    report = Report(9, [], "cmd", "2026-01-01T00:00:00+00:00", {}, limits={"p95": 11, "worst": 30})
    kinds = (Kind.KILL.value, Kind.FAILPOINT.value)
    report.strikes = [Strike(n, kinds[n % 2], "", 0, True, "", 10.0) for n in range(100)]
    report.strikes += [Strike(100, Kind.ZOMBIE.value, "", 0, True, "", 99.0)]
    assert report.too_slow() == []
    report.strikes[0].recovery_s = 30.1
    assert report.too_slow() == ["on again after kill -9, worst: 30.1 s, the limit is 30.0 s"]
    for strike in report.strikes[:6]:
        strike.recovery_s = 12.0
    assert report.too_slow() == ["on again after kill -9, p95: 12.0 s, the limit is 11.0 s"]
    assert "**Too slow**: on again" in markdown(report)
    assert "TOO SLOW" in report.describe()
    assert SHORT.limits == {}
    assert scaled(SOAK, 9).limits == SOAK.limits


def test_a_broker_and_a_zombie_have_limits_of_their_own() -> None:
    report = Report(9, [], "cmd", "2026-01-01T00:00:00+00:00", {}, limits=dict(ALONE.limits))
    report.strikes = [
        Strike(1, Kind.BROKER_KILL.value, "", 0, True, "", 29.9),
        Strike(2, Kind.BROKER_PAUSE.value, "", 0, True, "", 29.8),
        Strike(3, Kind.ZOMBIE.value, "", 0, True, "", 20.0, rejoin_s=9.9),
    ]
    assert report.too_slow() == []
    assert "Zombies were members again after, 1: 9.9 / 9.9 / 9.9 s." in markdown(report)
    report.strikes[1].recovery_s, report.strikes[2].rejoin_s = 30.1, 10.1
    assert report.too_slow() == [
        "on again after the broker's return, worst: 30.1 s, the limit is 30.0 s",
        "a zombie is a member again, worst: 10.1 s, the limit is 10.0 s",
    ]


def test_how_long_all_may_stand_depends_on_what_befell_the_broker() -> None:
    report = Report(9, [], "cmd", "2026-01-01T00:00:00+00:00", {}, limits=dict(SOAK.limits))

    def stood(form: str, seconds: float, struck: bool = True) -> Strike:
        kind = Kind.BROKER_OF_THREE.value
        return Strike(1, kind, form, 0, struck, "", form=form, standstill_s=seconds)

    report.strikes = [stood("kill", 9.9), stood("freeze 60 s", 19.9), stood("two killed", 40.0)]
    report.strikes += [stood("kill", 30.0, struck=False)]
    assert report.too_slow() == []
    assert "kill, 1: 9.9 / 9.9 / 9.9 s" in markdown(report)
    report.strikes += [stood("kill", 10.1), stood("freeze 15 s", 20.1)]
    assert report.too_slow() == [
        "without a commit, one broker of three killed, worst: 10.1 s, the limit is 10.0 s",
        "without a commit, one broker of three silent, worst: 20.1 s, the limit is 20.0 s",
    ]


@pytest.mark.parametrize(("seconds", "status"), [(10.9, 0), (11.1, 1)])
def test_the_command_fails_on_a_slow_recovery(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seconds: float, status: int
) -> None:
    monkeypatch.setattr(soak, "RESULTS", tmp_path / "results")
    kind = Kind.KILL.value
    report = Report(9, [], "cmd", "2026-01-01T00:00:00+00:00", {kind: 1}, limits=dict(SOAK.limits))
    report.strikes = [Strike(1, kind, "", 0, True, "", seconds)]
    assert soak.finish(report, tmp_path, keep=True, publish=False) == status


def test_the_build_that_ran_is_told() -> None:
    commit, _ = build()
    assert len(commit) in (0, 40)


def test_an_earlier_raw_result_is_read() -> None:
    for path in RESULTS.glob("soak-*.json"):
        assert "| kill -9 at random |" in markdown(load(path))
