"""What the benchmarks' tests share."""

from collections.abc import Callable
from pathlib import Path

import pytest

from benchmarks.suite import Options
from tests.support.kafka import Kafka


@pytest.fixture
def options(kafka: Kafka, tmp_path: Path) -> Callable[..., Options]:
    def make(*parts: str) -> Options:
        return Options(
            broker=kafka.bootstrap,
            kafka="4.3.1",
            java="17",
            folder=tmp_path,
            events=6_000,
            faust_events=600,
            parts=parts,
            shop_data=tmp_path,
            command="test",
        )

    return make
