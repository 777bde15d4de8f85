"""Every implementation against the committed answers of Kafka Streams; no Java."""

from collections import Counter
from functools import cache

import pytest

from tests.kafka_streams.case_notation import parse_windows
from tests.kafka_streams.cases import CASES
from tests.kafka_streams.compare import compare
from tests.kafka_streams.facts import Facts, finals, same
from tests.kafka_streams.implementations import IMPLEMENTATIONS
from tests.kafka_streams.recipes import digest
from tests.kafka_streams.rules import RULES, Report
from tests.kafka_streams.shapes import KINDS, Content, Result, Window
from tests.kafka_streams.vectors import committed, sources

WINDOWS, DROPS = 1_000, 100
"""How many of each kind must be compared, at least."""

each_implementation = pytest.mark.parametrize("name", IMPLEMENTATIONS)
each_vector = pytest.mark.parametrize("vector", [source.name for source in sources()])
each_case = pytest.mark.parametrize("case", CASES)


@cache
def run(name: str, vector: str) -> tuple[Result, Report]:
    found = committed()[vector]
    events = found.source.events()
    result = IMPLEMENTATIONS[name].run(found.source.shape, events)
    return result, compare(found.source.shape, events, found.run, result)


def equal(found: dict[Window, Content], told: dict[Window, Content]) -> bool:
    """A text need not tell sums."""
    return found.keys() == told.keys() and all(same(told[w], found[w]) for w in told)


def test_the_vectors_are_those_that_the_sources_tell() -> None:
    assert {name: vector.source for name, vector in committed().items()} == {
        source.name: source for source in sources()
    }


@each_vector
def test_a_vector_is_of_the_events_that_its_source_gives(vector: str) -> None:
    found = committed()[vector]
    assert found.digest == digest(found.source.events())


@each_vector
def test_the_metric_is_the_number_of_closed_windows(vector: str) -> None:
    found = committed()[vector]
    if found.source.shape.kind in ("tumbling", "hopping"):
        facts = Facts(found.source.shape, found.source.events())
        assert facts.skips(found.run) == found.run.skipped


@each_vector
@each_implementation
def test_all_is_equal_but_for_the_rules(name: str, vector: str) -> None:
    assert run(name, vector)[1].differences == []


@each_case
@each_implementation
def test_a_case_is_as_it_is_told(name: str, case: str) -> None:
    told = CASES[case]
    result, report = run(name, case)
    counts = {window: Content(found.events, None) for window, found in result.windows.items()}
    assert counts == {w: Content(c.events, None) for w, c in parse_windows(told.windows).items()}
    assert result.drops == told.drops
    assert set(report.uses) == set(told.rules)


@each_case
def test_kafka_streams_does_what_a_case_tells(case: str) -> None:
    told = CASES[case]
    assert equal(finals(committed()[case].run.updates), parse_windows(told.kafka or told.windows))


@each_implementation
def test_every_rule_is_needed(name: str) -> None:
    uses = sum((run(name, vector)[1].uses for vector in committed()), Counter[str]())
    assert {rule for rule in RULES if not uses[rule]} == set()


@each_implementation
def test_enough_is_compared_of_each_kind(name: str) -> None:
    windows, drops = Counter[str](), Counter[str]()
    for vector in committed().values():
        result, _ = run(name, vector.source.name)
        windows[vector.source.shape.kind] += len(result.windows)
        drops[vector.source.shape.kind] += len(result.drops)
    assert {kind: windows[kind] for kind in KINDS if windows[kind] < WINDOWS} == {}
    assert {kind: drops[kind] for kind in KINDS if drops[kind] < DROPS} == {}


@each_implementation
def test_the_exact_comparisons_alone_are_enough(name: str) -> None:
    """Sessions of a store that keeps what is open need no rule but that of suppress."""
    uses = Counter[str]()
    windows = drops = 0
    for vector in committed().values():
        if vector.source.shape.store == "closing":
            result, report = run(name, vector.source.name)
            uses += report.uses
            windows += len(result.windows)
            drops += len(result.drops)
    assert set(uses) == {"suppress-early"}
    assert windows >= WINDOWS
    assert drops >= DROPS
