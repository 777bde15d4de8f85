"""Topics deleted, made anew or given more partitions under a worker: it stops, says so, commits
nothing of it (reliability, faults)."""

import json
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from app.factory import changelog_topic
from models.topics import CLICKS, Direction
from tests.oracle.records import Record
from tests.service.traffic import traffic
from tests.support.admin import create_topic, delete_topic, raise_partitions
from tests.support.kafka import Kafka
from tests.support.service import Service, keyed
from tests.support.topics import Ends, committed, read_all

PARTITIONS = 2
Fault = Callable[[Service], Awaitable[None]]


def changelog(service: Service) -> str:
    return changelog_topic(service.loaded())


async def state(service: Service, without: str) -> tuple[Ends, list[Record]]:
    """The group's offsets, and all committed records that the service has written."""
    offsets = await committed(service.bootstrap, service.app_id)
    written = [changelog(service), *service.of(Direction.OUTPUT, Direction.INTERNAL)]
    names = [name for name in written if name != without]
    records = await read_all(service.bootstrap, names, PARTITIONS)
    return {place: at for place, at in offsets.items() if place[0] != without}, records


async def stopped_by(
    service: Service, tmp_path: Path, topic: str, fault: Fault, *, more: bool = True
) -> str:
    """The line of a worker whose topic suffers the fault while it has work; it has stopped."""
    with service.worker(tmp_path) as worker:
        await service.send(traffic(1, 300, PARTITIONS))
        await service.at_rest()
        before = await state(service, topic)
        await fault(service)
        if more:
            others = [m for m in traffic(2, 300, PARTITIONS) if service.names[m[0]] != topic]
            await service.send(others)
        assert await worker.status(90) == 1, worker.text
        assert await state(service, topic) == before
        said = worker.reason
    assert topic in said
    return said


@pytest.mark.parametrize("more", [True, False])
@pytest.mark.parametrize("which", ["clicks", "enriched-purchases", "changelog", "partials"])
async def test_deleted(kafka: Kafka, tmp_path: Path, which: str, more: bool) -> None:
    service = await Service(kafka.bootstrap, PARTITIONS).create()
    own = {"changelog": changelog(service), "partials": service.of(Direction.INTERNAL)[0]}
    topic = own.get(which) or service.names[which]

    async def delete(service: Service) -> None:
        await delete_topic(service.bootstrap, topic)

    said = await stopped_by(service, tmp_path, topic, delete, more=more)
    assert "deleted" in said
    assert ("groups reset-offsets" in said) == (which in own)


@pytest.mark.parametrize("which", ["clicks", "user-sessions"])
async def test_given_more_partitions(kafka: Kafka, tmp_path: Path, which: str) -> None:
    service = await Service(kafka.bootstrap, PARTITIONS).create()

    async def grow(service: Service) -> None:
        await raise_partitions(service.bootstrap, service.names[which], PARTITIONS + 1)

    said = await stopped_by(service, tmp_path, service.names[which], grow)
    assert f"from {PARTITIONS} to {PARTITIONS + 1} partitions" in said


async def test_made_anew_with_more_records_than_before(kafka: Kafka, tmp_path: Path) -> None:
    """Its offsets begin at 0 again: what lies behind the old ones would be taken for new."""
    service = await Service(kafka.bootstrap, PARTITIONS).create()

    async def make_anew(service: Service) -> None:
        name = service.names["clicks"]
        await delete_topic(service.bootstrap, name)
        configs = service.catalogue.topic_configs(CLICKS)
        await create_topic(service.bootstrap, name, PARTITIONS, configs)
        click = json.dumps({"user_id": "u1", "page": "/anew", "timestamp": 1_471_830_000})
        await service.send([keyed("clicks", "u1", click, PARTITIONS)] * 3000)

    said = await stopped_by(service, tmp_path, service.names["clicks"], make_anew)
    assert "created anew" in said or "was deleted" in said
