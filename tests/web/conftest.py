"""What the web's tests share."""

import asyncio
from collections.abc import AsyncIterator, Iterator

import pytest

from app.web import peers
from tests.support.kafka import Kafka
from tests.support.service import Service
from tests.support.worker import Worker
from tests.web.asking import Asker, asking, at_rest, filled
from tests.web.shop import PARTITIONS, RECORDS

Shop = tuple[Service, Worker]


@pytest.fixture(scope="module", autouse=True)
def patient_peers() -> Iterator[None]:
    """Servers of the test's own process may take their time to answer each other."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(peers, "TIMEOUT", 60.0)
        yield


@pytest.fixture(scope="module")
def shop(kafka: Kafka, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """A worker that has taken the whole shop."""
    service = asyncio.run(filled(kafka.bootstrap, PARTITIONS, {"session_timeout": "30s"}, RECORDS))
    with service.worker(tmp_path_factory.mktemp("worker")) as worker:
        asyncio.run(at_rest(service, worker))
        yield service, worker


@pytest.fixture
async def asker(shop: Shop) -> AsyncIterator[Asker]:
    async with asking(shop[1].url) as [client]:
        yield client


@pytest.fixture
def names(shop: Shop) -> dict[str, str]:
    return shop[0].names
