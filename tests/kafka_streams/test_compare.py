"""The comparison can fail: one millisecond, one event, one rule used where it does not hold."""

from copy import deepcopy
from dataclasses import replace

import pytest

from tests.kafka_streams.compare import compare
from tests.kafka_streams.facts import Facts
from tests.kafka_streams.oracle_adapter import Oracle
from tests.kafka_streams.rules import RULES
from tests.kafka_streams.shapes import Content, KafkaRun, Result, Update, Window
from tests.kafka_streams.vectors import Vector, committed

KIND = {
    "tumbling": "tumbling-300000-grace-60000-edges",
    "hopping": "hopping-600000-grace-60000-edges",
    "sliding": "sliding-600000-grace-60000-edges",
    "session": "session-40-grace-70-closing-edges",
}
MOVES = [(1, 0), (0, 1), (-1, 0), (0, -1)]

each_kind = pytest.mark.parametrize("kind", KIND)


@pytest.fixture
def vector(kind: str) -> Vector:
    return committed()[KIND[kind]]


def ours(vector: Vector) -> Result:
    return Oracle().run(vector.source.shape, vector.source.events())


def differences(vector: Vector, result: Result, kafka: KafkaRun | None = None) -> list[str]:
    events = vector.source.events()
    return compare(vector.source.shape, events, kafka or vector.run, result).differences


def chosen(result: Result) -> Window:
    """A window in the middle that has closed."""
    assert result.closed
    return sorted(result.closed)[len(result.closed) // 2]


def moved(window: Window, by: tuple[int, int]) -> Window:
    return Window(window.user, window.start + by[0], window.end + by[1])


def named(found: list[str], what: str, window: Window) -> bool:
    """Whether this window is among the differences of that sort."""
    return any(line.startswith(f"{what}: ") and str(window) in line for line in found)


@each_kind
def test_what_is_equal_is_equal(vector: Vector) -> None:
    assert differences(vector, ours(vector)) == []


@each_kind
@pytest.mark.parametrize("by", MOVES)
def test_a_window_off_by_a_millisecond_is_seen(vector: Vector, by: tuple[int, int]) -> None:
    result = ours(vector)
    window = chosen(result)
    result.windows[moved(window, by)] = result.windows.pop(window)
    assert named(differences(vector, result), "window", window)


@each_kind
@pytest.mark.parametrize("by", [1, -1])
def test_a_count_off_by_one_is_seen(vector: Vector, by: int) -> None:
    result = ours(vector)
    window = chosen(result)
    content = result.windows[window]
    result.windows[window] = content._replace(events=content.events + by)
    assert named(differences(vector, result), "window", window)


@each_kind
def test_a_missing_window_is_seen(vector: Vector) -> None:
    result = ours(vector)
    window = chosen(result)
    del result.windows[window]
    assert named(differences(vector, result), "window", window)


@each_kind
def test_a_missing_drop_is_seen(vector: Vector) -> None:
    facts = Facts(vector.source.shape, vector.source.events())
    result = ours(vector)
    missing = max(facts.dropped(vector.run))
    found = differences(vector, replace(result, drops=result.drops - {missing}))
    assert any(line.startswith(f"drop: ({missing}, ") for line in found)


@each_kind
def test_a_drop_too_many_is_seen(vector: Vector) -> None:
    result = ours(vector)
    taken = next(update.at for update in vector.run.updates if update.at not in result.drops)
    found = differences(vector, replace(result, drops=result.drops | {taken}))
    assert any(line.startswith(f"drop: ({taken}, ") for line in found)


@each_kind
@pytest.mark.parametrize("by", [1, -1])
def test_a_close_with_another_event_is_seen(vector: Vector, by: int) -> None:
    result = ours(vector)
    window = chosen(result)
    assert result.closed
    result.closed[window] += by
    assert differences(vector, result) != []


@each_kind
def test_a_close_that_never_comes_is_seen(vector: Vector) -> None:
    result = ours(vector)
    assert result.closed
    del result.closed[chosen(result)]
    assert differences(vector, result) != []


@each_kind
def test_a_wrong_change_on_the_way_is_seen(vector: Vector) -> None:
    result = ours(vector)
    assert result.updates
    place = next(n for n, update in enumerate(result.updates) if update.content)
    update = result.updates[place]
    result.updates[place] = Update(update.at, update.window, Content(99, None))
    assert named(differences(vector, result), "change", update.window)


@each_kind
@pytest.mark.parametrize("by", [1, -1])
def test_an_emission_of_suppress_at_another_time_is_seen(vector: Vector, by: int) -> None:
    kafka = deepcopy(vector.run)
    place = len(kafka.suppressed) // 2
    update = kafka.suppressed[place]
    while not _is_ours(vector, kafka.suppressed[place]):
        place += 1
    update = kafka.suppressed[place]
    kafka.suppressed[place] = update._replace(at=update.at + by)
    assert differences(vector, ours(vector), kafka) != []


def _is_ours(vector: Vector, update: Update) -> bool:
    return update.window in ours(vector).windows


def last_update(run: KafkaRun, window: Window) -> int:
    """The place of the window's last update."""
    return max(place for place, update in enumerate(run.updates) if update.window == window)


RULED = {
    "behind-the-grace": ("behind the grace, and not taken over", Window("a", 99, 109)),
    "before-the-start": ("an event before the start", Window("a", 105, 115)),
    "made-anew": ("made anew without what came before", Window("a", 105, 115)),
    "reopened": ("a closed session is reopened", Window("a", 100, 105)),
    "store-early": ("the store forgets too early", Window("a", 105, 105)),
    "late-but-for-those": ("late by the contract, taken over", Window("a", 103, 113)),
    "window-at-no-event": ("late by the contract, taken over", Window("a", 96, 106)),
    "near-the-epoch": ("windows that begin before the epoch", Window("a", 5, 15)),
    "suppress-early": ("let out early, then grown", Window("a", 100, 105)),
}


def test_each_rule_is_tried() -> None:
    assert RULED.keys() == RULES.keys()


@pytest.mark.parametrize("rule", RULED)
@pytest.mark.parametrize("by", [(1, 0), (0, 1), (-1, 0)])
def test_a_rule_covers_nothing_else(rule: str, by: tuple[int, int]) -> None:
    """Kafka Streams' content with an event more or less, or another sum, is a difference."""
    case, window = RULED[rule]
    vector = committed()[case]
    kafka = deepcopy(vector.run)
    place = last_update(kafka, window)
    content = kafka.updates[place].content
    assert content
    assert content.total is not None
    wrong = Content(content.events + by[0], content.total + 10 * by[1])
    kafka.updates[place] = kafka.updates[place]._replace(content=wrong)
    found = differences(vector, ours(vector), kafka)
    is_session = vector.source.shape.kind == "session"
    assert found != [] or (is_session and by == (0, 1)), "sessions have no sums with us"


@pytest.mark.parametrize("rule", RULED)
def test_a_rule_does_not_excuse_ours(rule: str) -> None:
    case, _ = RULED[rule]
    vector = committed()[case]
    for window, content in ours(vector).windows.items():
        if window.start >= 0:
            result = ours(vector)
            result.windows[window] = content._replace(events=content.events + 1)
            assert differences(vector, result) != [], window
