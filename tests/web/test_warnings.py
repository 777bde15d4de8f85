"""What `/readyz` warns of while it stays 200."""

from pathlib import Path

from tests.operations.running import ran
from tests.support.admin import configure
from tests.support.kafka import Kafka
from tests.support.service import Service
from tests.web.asking import until_ready
from tests.web.shop import ANN, PARTITIONS, click


async def test_misplaced_keys_are_a_warning(kafka: Kafka, tmp_path: Path) -> None:
    service = await Service(kafka.bootstrap, PARTITIONS).create()
    topic, partition, key, value, timestamp = click(ANN, "/a", 0)
    await service.send([(topic, (partition + 1) % PARTITIONS, key, value, timestamp)])
    with service.worker(tmp_path / "a") as worker:
        ready = await until_ready(worker, lambda body: bool(body["warnings"]))
        assert ready["ready"]
        [warning] = ready["warnings"]
        assert service.names["clicks"] in warning
        assert "murmur2" in warning
        assert ANN not in warning


async def test_an_input_with_its_producers_times_is_a_warning(kafka: Kafka, tmp_path: Path) -> None:
    service = await Service(kafka.bootstrap, PARTITIONS).create()
    topic = service.names["user-events"]
    await configure(service.bootstrap, {topic: {"message.timestamp.type": "CreateTime"}})
    with service.worker(tmp_path / "a") as worker:
        ready = await until_ready(worker)
        [warning] = ready["warnings"]
        assert warning.startswith(f"topic {topic} has message.timestamp.type=CreateTime")
        assert worker.text.count(warning) == 1
    checked = await ran(service, "check", "--json")
    assert checked.status == 0, checked
    assert warning in [row["text"] for row in checked.objects if row.get("verdict") == "warning"]
