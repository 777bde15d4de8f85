"""Topics deleted, made anew or given more partitions under a worker: it stops, says so, commits
nothing of it (reliability, faults)."""

import json
from pathlib import Path

import pytest

from models.topics import CLICKS, Direction
from tests.support.admin import create_topic, delete_topic, raise_partitions
from tests.support.fates import changelog, stopped_by
from tests.support.kafka import Kafka
from tests.support.service import Service, keyed

PARTITIONS = 2


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
