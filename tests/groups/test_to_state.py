"""`streamjoin groups reset-offsets --to state`: lost or moved offsets are those of the state again.

Nothing is computed twice: all outputs together are those of one run.
"""

import asyncio
from pathlib import Path

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from models.topics import Direction
from tests.groups.resetting import Seen, refuses, reset
from tests.groups.test_reset_offsets import used
from tests.operations.running import ran
from tests.oracle.compare_outputs import compare_outputs
from tests.oracle.model import Model
from tests.service.traffic import traffic
from tests.support.admin import delete_group
from tests.support.kafka import Kafka
from tests.support.service import Service, lines
from tests.support.topics import Ends, committed, until

PARTITIONS = 2
SECONDS = 120
FLAGS = ("--to", "state")


async def goes_on_exactly(service: Service, data: Path) -> None:
    """Send more: all outputs that there are come to what one run makes of all inputs."""
    await service.send(traffic(58, 800, PARTITIONS))
    with service.worker(data) as worker:
        await service.at_rest(SECONDS)
        assert await worker.terminate(60) == 0, worker.text
    await equal(service)


async def equal(service: Service) -> None:
    outputs = await service.outputs()
    expected = Model(await service.inputs(), service.oracle, enriched=outputs).run()
    differences = compare_outputs(expected, outputs)
    assert not differences, lines(differences)


async def move_back(service: Service, before: Ends) -> None:
    """Set the clicks' offsets to the beginning, as Kafka's own tool would."""
    consumer = AIOKafkaConsumer(
        bootstrap_servers=service.bootstrap, group_id=service.app_id, enable_auto_commit=False
    )
    await consumer.start()
    try:
        places = [TopicPartition(*place) for place in before if place[0] == service.names["clicks"]]
        consumer.assign(places)
        await consumer.commit(dict.fromkeys(places, 0))
    finally:
        await consumer.stop()


@pytest.mark.parametrize("fault", ["deleted", "moved"])
async def test_offsets_come_back_from_the_state(kafka: Kafka, tmp_path: Path, fault: str) -> None:
    service = await used(kafka, tmp_path)
    await service.ended()
    before = await Seen.now(service, tmp_path)
    if fault == "deleted":
        await delete_group(service.bootstrap, service.app_id)
    else:
        await move_back(service, before.offsets)
    refused = await refuses(service, tmp_path)
    assert "groups reset-offsets --to state" in refused.text
    checked = await ran(service, "check", "--json")
    found = [row for row in checked.objects if row.get("area") == "offsets"]
    assert [row["verdict"] for row in found] == ["wrong"] * len(found), found
    assert all("--to state" in row["text"] for row in found)
    lost = await Seen.now(service, tmp_path)
    looked = await reset(service, tmp_path, *FLAGS, "--dry-run")
    assert looked.status == 0, looked.text
    assert await Seen.now(service, tmp_path) == lost
    done = await reset(service, tmp_path, *FLAGS, "--yes")
    assert done.status == 0, done.text
    await service.ended()
    sources = service.of(Direction.INPUT, Direction.INTERNAL)
    assert await committed(service.bootstrap, service.app_id) == {
        place: offset for place, offset in before.offsets.items() if place[0] in sources
    }
    again = await reset(service, tmp_path, *FLAGS, "--yes")
    assert "already" in again.text, again.text
    await goes_on_exactly(service, tmp_path)


async def test_a_worker_asks_again_before_it_ends(kafka: Kafka, tmp_path: Path) -> None:
    """A deposed coordinator may have answered: what it says a moment later counts."""
    service = await used(kafka, tmp_path)
    await service.ended()
    before = await committed(service.bootstrap, service.app_id)
    await delete_group(service.bootstrap, service.app_id)
    with service.worker(tmp_path) as worker:

        async def asking() -> bool:
            assert worker.process.poll() is None, worker.text
            return all(
                f"partition {n}: state and offsets do not agree" in worker.text
                for n in range(PARTITIONS)
            )

        await until(asking, SECONDS, "asking again")
        await give_back(service, before)
        await service.send(traffic(59, 400, PARTITIONS))
        await service.at_rest(SECONDS)
        assert await worker.terminate(60) == 0, worker.text
    await equal(service)


async def give_back(service: Service, offsets: Ends) -> None:
    """Commit offsets as no member of the group does: in a transaction of somebody else's."""
    producer = AIOKafkaProducer(
        bootstrap_servers=service.bootstrap, transactional_id=f"{service.app_id}-test"
    )
    async with asyncio.timeout(SECONDS), producer, producer.transaction():
        given = {TopicPartition(*place): offset for place, offset in offsets.items()}
        await producer.send_offsets_to_transaction(given, service.app_id)


async def test_wrong_flags(kafka: Kafka, tmp_path: Path) -> None:
    service = await Service(kafka.bootstrap, PARTITIONS).create()
    with_offset = await reset(service, tmp_path, *FLAGS, "--to-offset", "clicks:0=1")
    assert with_offset.status == 2
    assert "--to state takes no --to-offset" in with_offset.text
    none = await reset(service, tmp_path, *FLAGS, "--yes")
    assert none.status == 1
    assert "there is no state" in none.text
