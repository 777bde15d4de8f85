"""docs/windows.md tells what the service does: every row of its timelines."""

import pytest

from tests.tables.timelines import Timeline, retold, timelines

ALL = list(timelines())


def test_every_kind_has_a_timeline() -> None:
    assert {line.kind for line in ALL} == {"tumbling", "hopping", "sliding", "session"}
    assert all(len(line.rows) >= 4 for line in ALL)


@pytest.mark.parametrize("line", ALL, ids=lambda line: f"{line.kind}, {line.settings}")
def test_the_page_shows_what_happens(line: Timeline) -> None:
    for shown, happened in zip(line.rows, retold(line), strict=True):
        assert shown == happened


def test_a_wrong_row_is_seen() -> None:
    line = ALL[0]
    wrong = Timeline(line.kind, line.settings | {"grace": "59s"}, line.rows)
    assert retold(wrong) != line.rows
