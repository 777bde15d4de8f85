"""Files that are named as the longest are there: one that was renamed would come last again."""

from pathlib import Path

from tests.conftest import LONGEST

TESTS = Path(__file__).resolve().parents[1]


def test_what_comes_first_exists() -> None:
    assert [name for name in LONGEST if not (TESTS / name).exists()] == []
