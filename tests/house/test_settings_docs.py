"""docs/settings.md names every setting, under one heading."""

from collections import Counter

from app.settings import Settings
from app.settings_document import MEANINGS, settings_document


def test_every_setting_is_described_once() -> None:
    described = Counter(name for meanings in MEANINGS.values() for name in meanings)
    known = [name for name in described if name in Settings.model_fields]
    assert sorted(known) == sorted(Settings.model_fields)
    assert set(described.values()) == {1}


def test_defaults_are_written_as_they_may_be_given() -> None:
    page = settings_document()
    assert "| `grace` | `1m` |" in page
    assert "| `commit_records` | `60000` |" in page
    assert "| `restart_stalled` | `false` |" in page
    assert "| `api_key` | - |" in page
