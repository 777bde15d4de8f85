from pathlib import Path

import pytest

from tests.producer.commands import Command
from tests.producer.support import new_topic
from tests.support.kafka import Kafka


@pytest.fixture
async def run(kafka: Kafka, tmp_path: Path) -> Command:
    return Command(tmp_path, kafka.bootstrap, await new_topic(kafka.bootstrap, 1, name="clicks"))
