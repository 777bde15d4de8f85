"""Inputs deleted before they were read: the partition stands, and nothing else is touched."""

from pathlib import Path
from typing import Any

import pytest
from aiokafka import TopicPartition

from app.groups.admin import delete_records
from models.topics import Direction
from tests.operations.running import ran, refused
from tests.oracle.compare_outputs import compare_outputs
from tests.oracle.model import Model
from tests.oracle.records import Record
from tests.service.traffic import traffic
from tests.support.admin import delete_topic
from tests.support.kafka import Kafka
from tests.support.service import Service, lines
from tests.support.status import by_label
from tests.support.topics import Ends, committed, ends, until
from tests.support.worker import Worker
from tests.web.asking import asking

PARTITIONS = 2
SECONDS = 120
PART = 0


async def with_a_gap(service: Service, data: Path, topic: str) -> tuple[Ends, int, list[Record]]:
    """Records of one partition are deleted unread.

    What is committed, the first offset left, and the inputs without what is gone.
    """
    await service.create()
    await service.send(traffic(71, 800, PARTITIONS))
    with service.worker(data) as worker:
        await service.at_rest(SECONDS)
        assert await worker.terminate(60) == 0, worker.text
    await service.ended()
    await service.send(traffic(72, 800, PARTITIONS))
    done = await committed(service.bootstrap, service.app_id)
    at = done[topic, PART]
    first = at + 50
    inputs = [
        record for record in await service.inputs()
        if (record.topic, record.partition) != (topic, PART) or not at <= record.offset < first
    ]  # fmt: skip
    await delete_records(service.bootstrap, {TopicPartition(topic, PART): first})
    return done, first, inputs


async def stands(service: Service, worker: Worker) -> dict[str, Any]:
    """What `/readyz` says once partition 0 stands and the other one is at rest."""
    inputs = service.of(Direction.INPUT)

    async def so() -> bool:
        last = await ends(service.bootstrap, inputs, PARTITIONS)
        done = await committed(service.bootstrap, service.app_id)
        others = {place for place in last if place[1] != PART}
        return "stands still" in worker.text and all(done[p] == last[p] for p in others)

    await until(so, SECONDS, "standing, with the other partition at rest")
    async with asking(worker.url) as [asker]:
        reply = await asker.get("/readyz")
        assert reply.status == 503
        reason = reply.json["detail"]
        assert f"partition {PART} stands still" in reason
        found = await asker.get("/v1/workers")
        [item] = found.json["workers"]
        assert {p["partition"]: p["state"] for p in item["partitions"]} == {
            PART: "standing", 1 - PART: "running",
        }  # fmt: skip
        gone = by_label((await asker.get("/metrics")).body, "streamjoin_gone_records", "topic")
    return {"reason": reason, "gone": gone}


async def checked(service: Service, verdict: str) -> str:
    """What `check` says of the offsets, in one line of this verdict."""
    got = await ran(service, "check", "--json")
    [found] = [row for row in got.objects if row.get("area") == "offsets"]
    assert found["verdict"] == verdict, found
    text: str = found["text"]
    return text


@pytest.mark.parametrize(
    ("which", "guarantee"), [("clicks", "exactly_once"), ("user-events", "at_least_once")]
)
async def test_the_partition_stands_until_its_offsets_are_moved(
    kafka: Kafka, tmp_path: Path, which: str, guarantee: str
) -> None:
    service = Service(kafka.bootstrap, PARTITIONS, {"processing_guarantee": guarantee})
    topic = service.names[which]
    done, first, inputs = await with_a_gap(service, tmp_path, topic)
    at = done[topic, PART]
    gone = f"topic {topic} partition {PART}: offsets {at} to {first - 1} (50) were deleted"
    with service.worker(tmp_path) as worker:
        said = await stands(service, worker)
        assert gone in said["reason"]
        assert "`streamjoin groups skip-gap`" in said["reason"]
        assert said["gone"] == {topic: 50.0}
        assert (await committed(service.bootstrap, service.app_id))[topic, PART] == at
        lag = await ran(service, "lag")
        assert gone in lag.out, lag.out
        assert gone in await checked(service, "wrong")
        looked = await ran(service, "groups", "skip-gap", "--dry-run")
        assert [topic, str(PART), f"{at:,}", f"{first:,}", "50"] in looked.rows, looked
        assert (await committed(service.bootstrap, service.app_id))[topic, PART] == at
        moved = await ran(service, "groups", "skip-gap", "--yes")
        assert moved.status == 0, moved
        await service.at_rest(SECONDS)
        await checked(service, "ok")
        assert await worker.terminate(60) == 0, worker.text
        assert worker.text.count("stands still") == 1
        assert "Traceback" not in worker.text
    outputs = await service.outputs()
    differences = compare_outputs(Model(inputs, service.oracle, enriched=outputs).run(), outputs)
    assert not differences, lines(differences)
    again = await ran(service, "groups", "skip-gap", "--yes")
    assert "nothing is gone" in again.out


async def test_an_input_made_anew_while_no_worker_runs(kafka: Kafka, tmp_path: Path) -> None:
    """Whichever of the two commands is taken, each line leads on, and the state is kept."""
    service = await Service(kafka.bootstrap, PARTITIONS).create()
    topic = service.names["clicks"]
    await service.send(traffic(73, 600, PARTITIONS))
    with service.worker(tmp_path) as worker:
        await service.at_rest(SECONDS)
        assert await worker.terminate(60) == 0, worker.text
    await service.ended()
    await delete_topic(service.bootstrap, topic)
    await ran(service, "topics", "create", "--partitions", str(PARTITIONS))
    with service.worker(tmp_path, module="tests.groups.impatient") as worker:
        assert await worker.status(SECONDS) == 1
        command = f"streamjoin groups skip-gap --from {topic}=earliest"
        assert f"if {topic} was made anew, run `{command}`" in worker.reason
    assert (await ran(service, "groups", "reset-offsets", "--to", "state", "--yes")).status == 0
    await service.send(m for m in traffic(74, 300, PARTITIONS) if m[0] == "user-events")
    with service.worker(tmp_path) as worker:

        async def all_stand() -> bool:
            return worker.text.count(f"topic {topic} partition") == PARTITIONS

        await until(all_stand, SECONDS, "standing")
        assert "ends at offset 0, before" in worker.text
        assert f"`streamjoin groups skip-gap --from {topic}=earliest`" in worker.text
        await refused(service, "groups", "skip-gap", "--yes", status=1, says=f"--from {topic}=")
        moved = await ran(service, "groups", "skip-gap", "--from", "clicks=earliest", "--yes")
        assert moved.status == 0, moved
        await service.send(m for m in traffic(75, 300, PARTITIONS) if m[0] == "clicks")
        await service.at_rest(SECONDS)
        assert await worker.terminate(60) == 0, worker.text


async def test_wrong_flags(kafka: Kafka) -> None:
    service = await Service(kafka.bootstrap, PARTITIONS).create()
    for flag, says in (
        ("clicks", "write TOPIC=earliest or TOPIC=latest"),
        ("clicks=now", "write TOPIC=earliest or TOPIC=latest"),
        ("late-events=latest", "no topic that the service reads"),
    ):
        await refused(service, "groups", "skip-gap", "--from", flag, status=2, says=says)
