"""What the broker's tests share."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from app.broker import EmbeddedBroker
from tests.support.ports import held_port


@pytest.fixture
def own_broker(tmp_path: Path) -> Iterator[EmbeddedBroker]:
    """A broker of the test's own, not started, ended after the test; its port stays its own."""
    with held_port() as port:
        broker = EmbeddedBroker(tmp_path / "broker", port)
        yield broker
        broker.stop()
