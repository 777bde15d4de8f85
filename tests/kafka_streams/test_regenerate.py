"""Kafka Streams itself, on events that nobody has seen. Needs a JDK 17 or newer."""

import os
import random
from pathlib import Path

import pytest

from tests.kafka_streams.compare import compare
from tests.kafka_streams.facts import Facts
from tests.kafka_streams.implementations import IMPLEMENTATIONS
from tests.kafka_streams.jvm import NO_JDK, Generator, Jdk
from tests.kafka_streams.make import main
from tests.kafka_streams.recipes import RECIPES, make
from tests.kafka_streams.shapes import Event, KafkaRun, Shape
from tests.kafka_streams.vectors import SHAPES, committed

SEED = "KAFKA_STREAMS_SEED"
"""The environment variable that replays a run."""

EVENTS = 300_000
PER_RUN = EVENTS // (len(SHAPES) * len(RECIPES)) + 1

JDK = Jdk.find()
pytestmark = pytest.mark.skipif(JDK is None, reason=NO_JDK)


@pytest.fixture(scope="module")
def generator(tmp_path_factory: pytest.TempPathFactory) -> Generator:
    assert JDK
    return Generator(JDK, tmp_path_factory.mktemp("generator"))


@pytest.fixture(scope="module")
def seed() -> int:
    found = int(os.environ.get(SEED) or random.SystemRandom().randrange(10**9))
    print(f"{SEED}={found}")
    return found


def check(shape: Shape, events: list[Event], kafka: KafkaRun) -> list[str]:
    """All that differs beyond the rules, and where Kafka Streams' answer contradicts itself."""
    facts = Facts(shape, events)
    found = [
        f"{name}: {difference}"
        for name, ours in IMPLEMENTATIONS.items()
        for difference in compare(shape, events, kafka, ours.run(shape, events)).differences
    ]
    if facts.kept(kafka) != kafka.stored:
        found.append("the store does not hold what the updates say")
    if shape.kind in ("tumbling", "hopping") and facts.skips(kafka) != kafka.skipped:
        found.append("the metric does not say what the updates say")
    return found


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_new_events_give_equal_windows(shape: Shape, generator: Generator, seed: int) -> None:
    place = SHAPES.index(shape) * len(RECIPES)
    runs = [
        make(shape, recipe, seed + place + number, PER_RUN) for number, recipe in enumerate(RECIPES)
    ]
    answers = generator.run([(shape, events) for events in runs])
    for recipe, events, kafka in zip(RECIPES, runs, answers, strict=True):
        found = check(shape, events, kafka)
        assert found == [], f"{len(found)} differences, {recipe}; replay with {SEED}={seed}"


def test_new_events_are_as_many_as_promised() -> None:
    assert PER_RUN * len(SHAPES) * len(RECIPES) >= EVENTS


def test_committed_vectors_come_out_again(generator: Generator) -> None:
    """One for each shape, and all cases."""
    chosen = [v for v in committed().values() if v.source.recipe in (None, "edges")]
    answers = generator.run([(v.source.shape, v.source.events()) for v in chosen])
    for vector, answer in zip(chosen, answers, strict=True):
        answer.stored.clear()
        assert answer == vector.run, vector.source.name


def test_the_command_writes_all_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    few = [vector.source for vector in committed().values() if vector.source.recipe is None]
    monkeypatch.setattr("tests.kafka_streams.make.FOLDER", tmp_path / "vectors")
    monkeypatch.setattr("tests.kafka_streams.make.sources", lambda: few)
    assert main() == 0
    written = tmp_path / "vectors" / "cases.json.gz"
    assert str(written) in capsys.readouterr().out
