"""A real Kafka for the test session: `pytest_plugins = ["tests.support.kafka"]` in conftest."""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from app.broker import EmbeddedBroker


@dataclass(frozen=True, slots=True)
class Kafka:
    """A running broker: `bootstrap` is `127.0.0.1:PORT`."""

    bootstrap: str
    broker: EmbeddedBroker


@pytest.fixture(scope="session")
def kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kafka]:
    """One broker for all tests of the session; tests keep apart by names of topics and groups."""
    broker = EmbeddedBroker(tmp_path_factory.mktemp("kafka") / "broker", show_progress=True)
    info = broker.start()
    try:
        yield Kafka(info.bootstrap, broker)
    finally:
        broker.stop()
