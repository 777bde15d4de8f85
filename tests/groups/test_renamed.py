"""A topic setting that names another topic than the one that the state was made from."""

from pathlib import Path

from models.topics import Direction
from tests.groups.resetting import refuses, reset
from tests.groups.test_reset_offsets import used
from tests.operations.running import ran
from tests.service.traffic import traffic
from tests.support.admin import create_topic
from tests.support.kafka import Kafka
from tests.support.topics import committed

PARTITIONS = 2
SECONDS = 120


async def test_the_other_name_is_said_and_left_out_of_the_lag(kafka: Kafka, tmp_path: Path) -> None:
    service = await used(kafka, tmp_path)
    old = service.names["clicks"]
    await service.send([m for m in traffic(61, 300, PARTITIONS) if m[0] == "clicks"])
    service.renamed = {"clicks": f"{old}-new"}
    new = service.names["clicks"]
    await create_topic(service.bootstrap, new, PARTITIONS)
    refused = await refuses(service, tmp_path)
    assert refused.status == 2
    assert f"the state was made from {old}, in place of which the settings name {new}" in (
        refused.text
    )
    to_state = await reset(service, tmp_path, "--to", "state", "--yes")
    assert to_state.status == 1
    assert f"the state was made from {old}" in to_state.text
    done = await reset(service, tmp_path, "--to", "earliest", "--yes")
    assert done.status == 0, done.text
    with service.worker(tmp_path) as worker:
        await service.at_rest(SECONDS)
        assert await worker.terminate(60) == 0, worker.text
    assert old in {topic for topic, _ in await committed(service.bootstrap, service.app_id)}
    lag = await ran(service, "lag")
    assert "lag 0 records" in lag.out.splitlines(), lag.out
    assert lag.out.splitlines()[-1].startswith(f"left out: {old}, ")
    rows = (await ran(service, "lag", "--json")).objects
    assert {row["topic"] for row in rows} == set(service.of(Direction.INPUT, Direction.INTERNAL))
