"""What the broker's tests share."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from app.broker import EmbeddedBroker


@pytest.fixture
def own_broker(tmp_path: Path) -> Iterator[EmbeddedBroker]:
    """A broker of the test's own, not started, ended after the test."""
    broker = EmbeddedBroker(tmp_path / "broker")
    yield broker
    broker.stop(5)
