"""A seed gives a schedule, and gives it again; the table is made from what struck."""

from pathlib import Path

import pytest

from benchmarks.report import replace_block
from tests.chaos.report import BEGIN, END, load, markdown, save
from tests.chaos.result import Report, Strike
from tests.chaos.schedule import DAMAGES, POINTS, Kind, make_schedule
from tests.chaos.soak import SOAK, scaled

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
    assert [f.detail for f in faults if f.kind is Kind.SCALE] == ["4", "2", "1", "3"]


def test_a_shorter_soak_keeps_every_kind() -> None:
    small = scaled(SOAK, 9)
    assert small.wanted.keys() == SOAK.wanted.keys()
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
    assert "| kill -9 at random | 4 | 3 | 1 | 1.0 / 2.0 / 2.0 s |" in markdown(read)
    assert "Lost 0, twice 0, wrong 0; stood still or ended 0." in markdown(read)
    read.fail("duplicates", "x")
    read.fail("enriched-purchases:missing", "y")
    read.fail("rest", "z")
    assert "Lost 1, twice 1, wrong 0; stood still or ended 1." in markdown(read)
    document = f"a\n{BEGIN}\nold\n{END}\nb\n"
    assert replace_block(document, "new", BEGIN, END) == f"a\n{BEGIN}\nnew\n{END}\nb\n"
    with pytest.raises(ValueError, match="no <!-- soak"):
        replace_block("nothing", "new", BEGIN, END)
