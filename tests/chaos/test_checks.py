"""The harness can fail: each doctored result is caught, by a check with a name."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import cast

import pytest
from aiokafka import TopicPartition
from rocksdict import Options, Rdict

from app.engine.metadata import KEY, LAYOUT, Metadata
from tests.chaos.changelog import check_changelog
from tests.chaos.cluster import Cluster, Slot
from tests.chaos.rest import check_outputs, check_stores, check_watched
from tests.chaos.result import Report
from tests.chaos.views import Views
from tests.chaos.watch import Watch
from tests.oracle.compare_http import compare_view
from tests.oracle.making import ONE, Faultless, mixed_log
from tests.oracle.model import Expected, Model
from tests.oracle.records import COUNTS, DEAD, ENRICHED, REVENUE, SESSIONS, Record
from tests.support.service import Service

CHANGELOG = "log"
Records = list[Record]


@pytest.fixture(scope="module")
def expected() -> Expected:
    return Model(mixed_log().records, ONE).run()


@pytest.fixture(scope="module")
def outputs(expected: Expected) -> Records:
    return Faultless(expected).outputs()


def names(differences: list[str]) -> set[str]:
    return {line.partition(": ")[0] for line in differences}


def first(records: Records, topic: str) -> int:
    return next(n for n, record in enumerate(records) if record.topic == topic)


def last(records: Records, topic: str) -> int:
    return max(n for n, record in enumerate(records) if record.topic == topic)


def without(topic: str) -> Callable[[Records], Records]:
    return lambda records: [r for n, r in enumerate(records) if n != first(records, topic)]


def doubled(topic: str) -> Callable[[Records], Records]:
    return lambda records: [*records, replace(records[first(records, topic)], offset=10**6)]


def more_revenue(records: Records) -> Records:
    at = last(records, REVENUE)
    value = (records[at].value or b"").replace(b'"revenue": ', b'"revenue": 1')
    return [*records[:at], replace(records[at], value=value), *records[at + 1 :]]


def count_back(records: Records) -> Records:
    at = last(records, COUNTS)
    return [*records, replace(records[at], value=b"0", offset=10**6)]


DOCTORED: list[tuple[str, Callable[[Records], Records]]] = [
    (f"{ENRICHED}:missing", without(ENRICHED)),
    (f"{DEAD}:missing", without(DEAD)),
    ("conservation", without(DEAD)),
    ("duplicates", doubled(ENRICHED)),
    ("duplicates", doubled(DEAD)),
    (f"{REVENUE}:value", more_revenue),
    (f"{COUNTS}:step-back", count_back),
]


def test_a_faultless_result_passes(expected: Expected, outputs: Records) -> None:
    assert check_outputs(expected, outputs) == []
    assert check_watched(outputs, list(reversed(outputs))) == []


@pytest.mark.parametrize(("check", "doctor"), DOCTORED)
def test_a_doctored_result_is_caught(
    expected: Expected, outputs: Records, check: str, doctor: Callable[[Records], Records]
) -> None:
    assert check in names(check_outputs(expected, doctor(list(outputs))))


def test_what_the_running_reader_missed_or_saw_alone_is_caught(outputs: Records) -> None:
    assert names(check_watched(outputs[1:], outputs)) == {"reader:missing"}
    assert names(check_watched(outputs, outputs[1:])) == {"reader:extra"}


def watched(service: Service, records: Records) -> list[str]:
    watch = Watch(service, CHANGELOG)
    for record in records:
        watch.take(TopicPartition(record.topic, record.partition), [record])
    return watch.differences


def test_the_running_reader_finds_nothing_in_a_faultless_run(outputs: Records) -> None:
    service = Service("127.0.0.1:1", 1)
    assert watched(service, renamed(service, outputs)) == []


def renamed(service: Service, records: Records) -> Records:
    return [replace(r, topic=service.names[r.topic]) for r in records]


def changed(offsets: dict[str, int], at: int) -> Record:
    row = Metadata(LAYOUT, {}, 1, offsets, {}).encode()
    return Record(CHANGELOG, 0, at, at, KEY, row)


def test_the_running_reader_sees_doubles_and_steps_back(outputs: Records) -> None:
    service = Service("127.0.0.1:1", 1)
    good = renamed(service, outputs)
    enriched = next(r for r in good if r.topic == service.names[ENRICHED])
    count = [r for r in good if r.topic == service.names[COUNTS]][-1]
    twice = watched(service, [*good, replace(enriched, offset=10**6)])
    assert names(twice) == {"reader:twice"}
    assert names(watched(service, [*good, replace(count, offset=10**6)])) == {"reader:twice"}
    back = watched(service, [*good, replace(count, value=b"0", offset=10**6)])
    assert names(back) == {"reader:step-back"}
    assert names(watched(service, [*good, replace(enriched, value=b"", offset=0)])) == {
        "reader:order",
        "reader:twice",
    }
    session = [r for r in good if r.topic == service.names[SESSIONS]][-1]
    twice = watched(service, [*good, replace(session, offset=10**6)])
    assert names(twice) == {"reader:twice"}
    earlier = (session.value or b"").replace(b'"end": ', b'"end": -')
    back = watched(service, [*good, replace(session, value=earlier, offset=10**6)])
    assert names(back) == {"reader:step-back"}
    rows = [changed({"a": 5, "b": 5}, 0), changed({"a": 6, "b": 4}, 1)]
    assert names(watched(service, rows)) == {"reader:offsets-back"}


def test_a_changelog_that_is_not_at_the_groups_offsets_is_caught() -> None:
    row = changed({"a": 5}, 0).value or b""
    rows = {0: {KEY: row, b"x": b"1"}}
    assert check_changelog(rows, rows, {("a", 0): 5}) == []
    assert names(check_changelog(rows, rows, {("a", 0): 6})) == {"changelog:offsets"}
    none = {0: {b"x": b"1"}}
    assert check_changelog(none, none, {("a", 0): 0}) == []
    assert names(check_changelog(none, none, {("a", 0): 5})) == {"changelog:offsets"}
    assert names(check_changelog(rows, rows, {("a", 0): 5, ("b", 0): 1})) == {"changelog:offsets"}
    other = {0: {KEY: row, b"x": b"2"}}
    assert names(check_changelog(rows, other, {("a", 0): 5})) == {"changelog:watched"}


def test_a_store_that_differs_from_its_changelog_is_caught(tmp_path: Path) -> None:
    slot = Slot(0, tmp_path, tmp_path / "log")
    folder = tmp_path / "app" / "partition-0"
    folder.mkdir(parents=True)
    store = Rdict(str(folder), Options(raw_mode=True))
    store[b"a"] = b"1"
    store[b"\x00place"] = (7).to_bytes(16, "big")
    store.close()
    owned = {0: frozenset({0})}
    assert check_stores([slot], owned, {0: {b"a": b"1"}}) == []
    for rows in ({b"a": b"2"}, {}, {b"a": b"1", b"b": b"1"}):
        assert names(check_stores([slot], owned, {0: rows})) == {"store"}
    assert names(check_stores([slot], {}, {0: {}})) == {"store"}


def test_a_view_that_lags_is_caught(expected: Expected) -> None:
    records = mixed_log().records
    before = Model(records[:-1], ONE).run()
    behind = {**before.view("totals", "u"), "offsets": {"user-events": 1, "purchases": 1}}
    assert "totals:http" in names(compare_view(expected, "totals", "u", behind))
    now = {**expected.view("totals", "u"), "offsets": {"user-events": 1, "purchases": 1}}
    assert compare_view(expected, "totals", "u", now) == []
    ahead = compare_view(expected, "totals", "u", now, {("purchases", 0): 2})
    assert names(ahead) == {"totals:http"}


def test_a_view_that_goes_back_while_things_go_wrong_is_caught() -> None:
    views = Views(cast("Cluster", None), 1)
    views.take("u1", {"clicks": 5})
    views.take("u2", {"clicks": 4})
    views.take("u1", {"clicks": 5})
    assert views.differences == []
    views.take("u1", {"clicks": 4})
    assert names(views.differences) == {"view:step-back"}


def test_a_report_tells_proof_from_standstill() -> None:
    report = Report(1, [], "", "", {"zombie": 1})
    report.take(["rest: not reached", "duplicates: enriched-purchases twice"])
    assert set(report.failed) == {"rest", "duplicates"}
    assert set(report.wrong) == {"duplicates"}
    assert report.short_of() == {"zombie": 1}
    assert "FAILED duplicates: 1" in report.describe()
