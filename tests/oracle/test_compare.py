"""The comparers find nothing in a faultless run, and each kind of fault in a broken one."""

import hashlib
from collections.abc import Callable
from dataclasses import replace

import pytest

from tests.oracle.compare_outputs import ALL, compare_outputs
from tests.oracle.conservation import unaccounted
from tests.oracle.making import ONE, Faultless, Log, mixed_log
from tests.oracle.model import Expected, Model
from tests.oracle.records import (
    AVERAGES,
    CLICKS,
    COUNTS,
    DEAD,
    ENRICHED,
    LATE,
    OUTPUTS,
    REVENUE,
    SESSIONS,
    Record,
)
from tests.oracle.results import HOPPING_COUNTS, MOVING_AVERAGE, SESSION

Fault = Callable[[list[Record]], list[Record]]


@pytest.fixture(scope="module")
def expected() -> Expected:
    return Model(mixed_log().records, ONE).run()


@pytest.fixture
def outputs(expected: Expected) -> list[Record]:
    return Faultless(expected).outputs()


def checks(expected: Expected, outputs: list[Record]) -> set[str]:
    """The names of the checks that found a difference."""
    return {text.partition(": ")[0] for text in compare_outputs(expected, outputs)}


def test_a_faultless_run_has_no_difference(expected: Expected, outputs: list[Record]) -> None:
    assert compare_outputs(expected, outputs) == []
    assert {r.topic for r in outputs} == set(OUTPUTS)
    assert len([r for r in outputs if r.topic == LATE]) > 10


def test_the_computations_may_be_restricted(expected: Expected, outputs: list[Record]) -> None:
    some = ALL - {MOVING_AVERAGE, HOPPING_COUNTS, SESSION}
    part = [
        r
        for r in outputs
        if r.topic not in (AVERAGES, SESSIONS) and (r.topic != LATE or r.header("late.for") in some)
    ]
    assert compare_outputs(expected, part, some) == []
    assert compare_outputs(expected, part)


def test_the_model_accounts_for_every_record(expected: Expected) -> None:
    assert list(unaccounted(expected)) == []


def test_a_replay_of_the_observed_order_agrees(outputs: list[Record]) -> None:
    replayed = Model(mixed_log().records, ONE, enriched=outputs_of(outputs, ENRICHED)).run()
    assert compare_outputs(replayed, outputs) == []


def outputs_of(outputs: list[Record], topic: str) -> list[Record]:
    return [record for record in outputs if record.topic == topic]


def without_one(topic: str, late_for: str | None = None) -> Fault:
    def fault(outputs: list[Record]) -> list[Record]:
        found = outputs_of(outputs, topic)
        gone = [r for r in found if late_for is None or r.header("late.for") == late_for][-1]
        return [r for r in outputs if r != gone]

    return fault


def twice(topic: str) -> Fault:
    def fault(outputs: list[Record]) -> list[Record]:
        last = outputs_of(outputs, topic)[-1]
        return [*outputs, replace(last, offset=last.offset + 1)]

    return fault


def changed(topic: str, **fields: object) -> Fault:
    def fault(outputs: list[Record]) -> list[Record]:
        last = outputs_of(outputs, topic)[-1]
        return [replace(r, **fields) if r == last else r for r in outputs]  # type: ignore[arg-type]

    return fault


def header(topic: str, name: str, content: bytes) -> Fault:
    def fault(outputs: list[Record]) -> list[Record]:
        last = outputs_of(outputs, topic)[-1]
        headers = tuple((dict(last.headers) | {name: content}).items())
        return [replace(r, headers=headers) if r == last else r for r in outputs]

    return fault


def swapped(topic: str) -> Fault:
    """The last two records of a topic change places."""

    def fault(outputs: list[Record]) -> list[Record]:
        *_, a, b = outputs_of(outputs, topic)
        rest = [r for r in outputs if r not in (a, b)]
        return [*rest, replace(a, offset=b.offset), replace(b, offset=a.offset)]

    return fault


@pytest.mark.parametrize(
    ("fault", "check"),
    [
        (without_one(ENRICHED), "enriched-purchases:missing"),
        (without_one(ENRICHED), "conservation"),
        (twice(ENRICHED), "duplicates"),
        (twice(ENRICHED), "conservation"),
        (swapped(ENRICHED), "enriched-purchases:order"),
        (changed(ENRICHED, value=b"{}"), "enriched-purchases:value"),
        (changed(ENRICHED, timestamp=5), "enriched-purchases:timestamp"),
        (changed(ENRICHED, key=b"v"), "enriched-purchases:key"),
        (changed(ENRICHED, partition=1), "enriched-purchases:partition"),
        (header(ENRICHED, "clicks.offset", b"0"), "enriched-purchases:headers"),
        (header(ENRICHED, "source.offset", b"x"), "enriched-purchases:headers"),
        (header(ENRICHED, "source.offset", b"9999"), "enriched-purchases:unexpected"),
        (without_one(LATE), "late-events:missing"),
        (without_one(LATE, "revenue"), "conservation"),
        (without_one(LATE, "event-counts"), "conservation"),
        (without_one(LATE, "moving-average"), "late-events:missing"),
        (twice(LATE), "duplicates"),
        (changed(LATE, value=b"{}"), "late-events:value"),
        (header(LATE, "stream.time", b"1"), "late-events:headers"),
        (header(LATE, "late.by", b"1"), "late-events:headers"),
        (header(LATE, "late.for", b"revenues"), "late-events:unexpected"),
        (without_one(DEAD), "dead-letters:missing"),
        (without_one(DEAD), "conservation"),
        (twice(DEAD), "duplicates"),
        (changed(DEAD, value=b"other"), "dead-letters:value"),
        (header(DEAD, "error.type", b"handler"), "dead-letters:headers"),
        (header(DEAD, "error.message", b""), "dead-letters:headers"),
        (header(DEAD, "source.timestamp", b"1"), "dead-letters:headers"),
        (without_one(COUNTS), "conservation"),
        (changed(COUNTS, value=b"99"), "event-counts-per-5min:value"),
        (changed(COUNTS, value=b'"1"'), "event-counts-per-5min:value"),
        (changed(COUNTS, timestamp=5), "event-counts-per-5min:timestamp"),
        (changed(COUNTS, key=b"x@0"), "event-counts-per-5min:unexpected"),
        (twice(COUNTS), "duplicates"),
        (without_one(AVERAGES), "moving-averages:missing"),
        (twice(AVERAGES), "duplicates"),
        (changed(AVERAGES, key=b"v"), "moving-averages:key"),
        (swapped(AVERAGES), "moving-averages:order"),
        (without_one(SESSIONS), "user-sessions:missing"),
        (changed(SESSIONS, value=b"{}"), "user-sessions:value"),
        (changed(SESSIONS, timestamp=5), "user-sessions:timestamp"),
        (without_one(REVENUE), "revenue-per-5min:missing"),
        (changed(REVENUE, value=b"{}"), "revenue-per-5min:value"),
        (twice(REVENUE), "duplicates"),
    ],
)
def test_each_fault_is_found(
    expected: Expected, outputs: list[Record], fault: Fault, check: str
) -> None:
    assert check in checks(expected, fault(outputs))


def test_a_count_that_steps_back_is_found(expected: Expected, outputs: list[Record]) -> None:
    key = next(r.key for r in outputs_of(outputs, COUNTS) if r.value == b"2")
    mine = [r for r in outputs_of(outputs, COUNTS) if r.key == key]
    back = [replace(mine[1], offset=mine[0].offset), replace(mine[0], offset=mine[1].offset)]
    rest = [r for r in outputs if r not in mine[:2]]
    assert "event-counts-per-5min:step-back" in checks(expected, [*rest, *back])


def test_values_too_large_for_the_broker_may_be_null_with_size_and_digest() -> None:
    log = Log()
    log.raw(CLICKS, b"u", b"x" * 2_000_000)
    expected = Model(log.records, ONE).run()
    (letter,) = Faultless(expected).outputs()
    cut = replace(letter, value=None)
    assert "dead-letters:value" in checks(expected, [cut])
    digest = hashlib.sha256(b"x" * 2_000_000).hexdigest().encode()
    more = (*letter.headers, ("value.size", b"2000000"), ("value.sha256", digest))
    assert checks(expected, [replace(cut, headers=more)]) == set()
