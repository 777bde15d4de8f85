from pathlib import Path

import msgspec
import pytest

from benchmarks.backlog import Result, ShopResult
from benchmarks.joins import Verdict
from benchmarks.latency import Percentiles
from benchmarks.machine import describe
from benchmarks.measure import Usage
from benchmarks.report import (
    BARE,
    BEGIN,
    DEFAULT,
    END,
    KAFKA_STREAMS,
    USERS,
    Report,
    goals,
    markdown,
    replace_block,
    write,
)
from benchmarks.users import UsersResult

DATA = {
    "clicks": 1000,
    "purchases": 200,
    "users": 50,
    "skew": 0.5,
    "partitions": 4,
    "max_delay_ms": 3000,
}


def result(name: str, cpu_s: float) -> Result:
    usage = Usage(cpu_s, 2.0, 150.0, 0)
    return Result(name, 1200, usage, Verdict(200, 199, 1, 0, 0), complete=True)


def report() -> Report:
    return Report(
        "python -m benchmarks",
        "2026-01-01T00:00:00Z",
        describe("4.3.1", "17"),
        DATA,
        0.998,
        backlogs=[result(BARE, 0.01), result(DEFAULT, 0.02)],
        latency={"join_wait 0": {"clicks": Percentiles(0.1, 0.2, 180, 0)}},
        skipped=["the shop"],
    )


def test_goals_stand_beside_what_was_measured() -> None:
    measured = {row[0]: row[3] for row in goals(report())}
    assert measured["events per CPU-second, exactly_once, start-up counted"] == "60,000"
    assert measured["the same against the bare loop"] == "0.50 x"
    assert measured["the same against stock Faust, exactly_once"] == "-"
    assert measured["peak memory of that worker"] == "150 MB"
    assert measured["joins exactly right, default `join_wait`"].startswith("99.50%")
    assert "0.200 s" in measured["latency of clicks at 1,000 events/s, p99"]
    assert measured["of revenue, default, p99"] == "-"


def of_users(name: str, cpu_s: float, steady: float) -> UsersResult:
    return UsersResult(name, 1200, Usage(cpu_s, 2.0, 150.0, 0), complete=True, steady=steady)


def test_user_events_stand_beside_kafka_streams() -> None:
    found = report()
    assert not [row for row in goals(found) if "Kafka Streams" in row[0]]
    found.users = [of_users(USERS, 0.02, 90_000)]
    goal = "the same against Kafka Streams, exactly_once_v2"
    assert {row[0]: row[3] for row in goals(found)}[goal] == "-"
    found.users.append(of_users(KAFKA_STREAMS, 0.1, 15_000))
    measured = {row[0]: row[3] for row in goals(found)}
    assert measured["user events per CPU-second, all computations on"] == "60,000"
    assert measured[goal] == "5.00 x"
    assert measured["the same, start-up of both left out"] == "6.00 x"
    assert KAFKA_STREAMS in markdown(found)


def test_the_block_says_what_was_skipped_and_what_differs() -> None:
    found = report()
    found.shop = ShopResult(5, Usage(1.0, 1.0, 1.0, 0), ["revenue: is 1, not 2"], 1, 1)
    text = markdown(found)
    assert "Skipped: the shop." in text
    assert "1 differences" in text


def test_a_failed_part_and_a_busy_machine_are_said() -> None:
    found = report()
    found.failed = ["latency: it ended early"]
    found.machine = msgspec.structs.replace(found.machine, cores=2, load=4.0)
    text = markdown(found)
    assert "**Failed**: latency: it ended early." in text
    assert "**The machine was busy** (load 4 on 2 cores" in text
    found.machine = msgspec.structs.replace(found.machine, load=0.1)
    assert "busy" not in markdown(found)


def test_only_what_stands_between_the_markers_changes(tmp_path: Path) -> None:
    document = tmp_path / "performance.md"
    document.write_text(f"before\n{BEGIN}\nold\n{END}\nafter\n")
    raw = write(report(), document, tmp_path / "results")
    text = document.read_text()
    assert text.startswith(f"before\n{BEGIN}\n")
    assert text.endswith(f"\n{END}\nafter\n")
    assert "old" not in text
    again = msgspec.json.decode(raw.read_bytes(), type=Report)
    assert goals(again) == goals(report())


def test_a_document_without_markers_is_refused() -> None:
    with pytest.raises(ValueError, match="benchmark:begin"):
        replace_block("nothing here", "table")
