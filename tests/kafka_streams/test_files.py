"""The lists and files beside the vectors: jars, the form on disk, the notation of cases."""

import gzip

import pytest

from app.broker.jars import KAFKA_VERSION, listed_jars
from tests.kafka_streams.case_notation import parse_windows
from tests.kafka_streams.cases import CASES
from tests.kafka_streams.jars import OWN, SHARED, listed
from tests.kafka_streams.recipes import RECIPES, make
from tests.kafka_streams.shapes import Content, Event, Window
from tests.kafka_streams.vectors import FOLDER, SHAPES, committed, read, write

LARGEST = 1_500_000


def test_the_jars_are_of_the_version_that_the_broker_runs() -> None:
    assert [jar.artifact for jar in listed()] == list(OWN)
    assert {jar.version for jar in listed()} == {KAFKA_VERSION}
    assert set(SHARED) <= {jar.artifact for jar in listed_jars()}


def test_all_files_together_are_small() -> None:
    assert 0 < sum(file.stat().st_size for file in FOLDER.iterdir()) < LARGEST


def test_a_file_is_the_same_bytes_for_the_same_vectors() -> None:
    vectors = [vector for vector in committed().values() if vector.source.recipe is None]
    written = write(vectors)
    assert written == write(list(read(written)))
    assert written[4:8] == bytes(4), "no time in it"
    assert gzip.decompress(written) == gzip.decompress((FOLDER / "cases.json.gz").read_bytes())


@pytest.mark.parametrize("recipe", RECIPES)
def test_a_recipe_gives_the_same_events_for_the_same_seed(recipe: str) -> None:
    first = make(SHAPES[0], recipe, 1, 200)
    assert make(SHAPES[0], recipe, 1, 100) == first[:100]
    assert make(SHAPES[0], recipe, 2, 200) != first
    times = [event.time for event in first]
    assert times != sorted(times)


def test_the_notation_of_cases() -> None:
    assert parse_windows("a[0,10)=2 b[-5,3]=1/-7") == {
        Window("a", 0, 10): Content(2, None),
        Window("b", -5, 3): Content(1, -7),
    }
    case = CASES["an event without a value is not taken"]
    assert case.events[1:3] == [Event("b", 500, None), Event("a", 101, 2)]
    with pytest.raises(AssertionError, match="not understood: a@"):
        parse_windows("a@")
