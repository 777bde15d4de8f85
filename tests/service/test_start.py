"""What a worker refuses to start with: one line that says what to do, and its exit status."""

import asyncio
import socket
from pathlib import Path

import pytest
from aiokafka.admin import AIOKafkaAdminClient, NewPartitions

from app.topics_admin import describe
from models.topics import Direction
from tests.service.traffic import traffic
from tests.support.kafka import Kafka
from tests.support.service import Service
from tests.support.topics import committed

NOBODY = "127.0.0.1:1"


async def refused(
    service: Service, tmp_path: Path, environment: dict[str, str] | None = None
) -> tuple[int, str]:
    """The exit status of a worker that must not start, and the one line that it wrote."""
    with service.worker(tmp_path / "state", environment=environment) as worker:
        status = await worker.status()
        text = worker.text.strip()
    assert "Traceback" not in text
    assert len(text.splitlines()) == 1, text
    assert text.startswith("streamjoin: ")
    return status, text


@pytest.fixture(scope="module")
def shaped(kafka: Kafka, tmp_path_factory: pytest.TempPathFactory) -> tuple[Service, Path]:
    """A service that has state, and the folder that its worker's state is in."""
    folder = tmp_path_factory.mktemp("shaped")

    async def fill() -> Service:
        service = await Service(kafka.bootstrap, 1).create()
        await service.send(traffic(43, 50, 1))
        with service.worker(folder / "state") as worker:
            await service.at_rest()
            assert await worker.terminate() == 0, worker.text
        return service

    return asyncio.run(fill()), folder


async def test_missing_topics(kafka: Kafka, tmp_path: Path) -> None:
    service = Service(kafka.bootstrap, 1)
    status, text = await refused(service, tmp_path)
    assert status == 1
    assert "topics create" in text
    assert all(name in text for name in service.names.values())
    assert await describe(kafka.bootstrap, [f"{service.app_id}-state-changelog"]) == {}


async def test_unequal_partitions(kafka: Kafka, tmp_path: Path) -> None:
    service = await Service(kafka.bootstrap, 1).create()
    admin = AIOKafkaAdminClient(bootstrap_servers=service.bootstrap)
    await admin.start()
    try:
        more = {service.names["purchases"]: NewPartitions(3)}
        answer = await admin.create_partitions(more)
        assert not any(code for _, code, _ in answer.topic_errors)
    finally:
        await admin.close()
    status, text = await refused(service, tmp_path)
    assert status == 2
    assert f"{service.names['purchases']} 3" in text


async def test_another_number_of_partitions_than_set(kafka: Kafka, tmp_path: Path) -> None:
    service = await Service(kafka.bootstrap, 2).create()
    status, text = await refused(service, tmp_path, {"STREAMJOIN_PARTITIONS": "3"})
    assert status == 2
    assert "partitions" in text


async def test_another_number_of_partitions_than_in_the_state(kafka: Kafka, tmp_path: Path) -> None:
    """The same app over topics that were made anew."""
    service = await Service(kafka.bootstrap, 1).create()
    await service.send(traffic(41, 50, 1))
    with service.worker(tmp_path / "state") as worker:
        await service.at_rest()
        assert await worker.terminate() == 0, worker.text
    before = await committed(kafka.bootstrap, service.app_id)
    admin = AIOKafkaAdminClient(bootstrap_servers=service.bootstrap)
    await admin.start()
    try:
        for name in service.of(*Direction):
            await admin.create_partitions({name: NewPartitions(2)})
    finally:
        await admin.close()
    status, text = await refused(service, tmp_path)
    assert status == 2
    assert "1 partitions" in text
    assert await committed(kafka.bootstrap, service.app_id) == before


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("STREAMJOIN_GRACE", "soon", "grace"),
        ("STREAMJOIN_WEB_PORT", "70000", "web_port"),
        ("STREAMJOIN_PROCESSING_GUARANTEE", "twice", "processing_guarantee"),
        ("STREAMJOIN_STORE", "paper", "store"),
        ("STREAMJOIN_TOPIC_CLICKS", "same", "same"),
        ("STREAMJOIN_WEB_HOST", "0.0.0.0", "STREAMJOIN_API_KEY"),
        ("STREAMJOIN_API_KEY", "too-short", "api_key is shorter than 16 characters"),
        ("STREAMJOIN_API_KEYS", "read:too-short", "api_keys, number 1: its key is shorter"),
        ("STREAMJOIN_PEER_KEY", "too-short", "peer_key is shorter than 16 characters"),
        ("STREAMJOIN_HEARTBEAT_INTERVAL", "9s", "heartbeat_interval"),
        ("STREAMJOIN_FAILPOINT", "nowhere:1", "STREAMJOIN_FAILPOINT"),
        ("STREAMJOIN_GRACE", "-1", "grace"),
        ("STREAMJOIN_TUMBLING_SIZE", "0", "tumbling_size"),
        ("STREAMJOIN_HOPPING_STEP", "0s", "hopping_step"),
        ("STREAMJOIN_HOPPING_STEP", "10m1s", "hopping_step"),
        ("STREAMJOIN_HOPPING_STEP", "601", "hopping_step must not be larger than hopping_size"),
        ("STREAMJOIN_HOPPING_SIZE", "3d", "at most 1000 times hopping_step"),
        ("STREAMJOIN_AVERAGE_SIZE", "0", "average_size"),
        ("STREAMJOIN_SESSION_GAP", "0", "session_gap"),
        ("STREAMJOIN_JOIN_WINDOW", "0", "join_window"),
    ],
)
async def test_wrong_settings(tmp_path: Path, name: str, value: str, says: str) -> None:
    service = Service(NOBODY, 1)
    environment = {name: value}
    if says == "same":
        environment["STREAMJOIN_TOPIC_PURCHASES"] = value
    status, text = await refused(service, tmp_path, environment)
    assert status == 2
    assert says in text


@pytest.mark.parametrize(
    "name",
    ["join_window", "tumbling_size", "hopping_size", "hopping_step", "average_size", "session_gap"],
)
async def test_another_window_than_that_of_the_state(
    shaped: tuple[Service, Path], name: str
) -> None:
    service, folder = shaped
    status, text = await refused(service, folder, {f"STREAMJOIN_{name.upper()}": "130s"})
    assert status == 2
    assert f"{name} was " in text
    assert "130000 ms now" in text
    assert "groups reset-offsets" in text


async def test_no_broker(tmp_path: Path) -> None:
    service = Service(NOBODY, 1)
    status, text = await refused(service, tmp_path)
    assert status == 1
    assert service.bootstrap in text


async def test_data_folder_that_cannot_be_made(kafka: Kafka, tmp_path: Path) -> None:
    (tmp_path / "state").write_text("a file, no folder")
    status, text = await refused(Service(kafka.bootstrap, 1), tmp_path)
    assert status == 1
    assert "--data-dir" in text


async def test_web_port_of_another(kafka: Kafka, tmp_path: Path) -> None:
    """Nothing half started: it does not join the group before it can serve."""
    service = await Service(kafka.bootstrap, 1).create()
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        status, text = await refused(service, tmp_path, {"STREAMJOIN_WEB_PORT": port})
    assert status == 1
    assert port in text
    assert await committed(kafka.bootstrap, service.app_id) == {}
