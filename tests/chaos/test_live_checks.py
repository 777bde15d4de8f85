"""The harness can fail where it looks at processes and brokers: each check that does so."""

import asyncio
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest
from aiokafka import TopicPartition

from tests.chaos.changelog import watch_ends
from tests.chaos.cluster import Cluster, Slot
from tests.chaos.disk_faults import not_said
from tests.chaos.hijack import hijack
from tests.chaos.rest import check_lso
from tests.chaos.result import Report
from tests.chaos.scene import Scene
from tests.chaos.views import PAUSE, Views
from tests.chaos.watch import Watch
from tests.chaos.zombies import ask_zombie, behind
from tests.oracle.records import ENRICHED, Record
from tests.support.kafka import Kafka
from tests.support.service import Service

CHANGELOG = "log"


def names(differences: list[str]) -> set[str]:
    return {line.partition(": ")[0] for line in differences}


async def test_a_reader_that_stays_behind_is_caught() -> None:
    watch = Watch(Service("127.0.0.1:1", 1), CHANGELOG)
    row = Record(CHANGELOG, 0, 0, 0, b"key", b"row")
    watch.take(TopicPartition(CHANGELOG, 0), [row])
    assert await watch_ends(watch, 0, {(CHANGELOG, 0): 1}, 0.2) == []
    for outputs, end in ((1, 1), (0, 2)):
        found = await watch_ends(watch, outputs, {(CHANGELOG, 0): end}, 0.2)
        assert names(found) == {"reader:behind"}


async def test_a_transaction_that_stays_open_is_caught(kafka: Kafka) -> None:
    service = await Service(kafka.bootstrap, 1).create()
    outputs = service.names[ENRICHED]
    scene = cast("Scene", SimpleNamespace(service=service, changelog=outputs))
    assert await check_lso(scene) == []
    async with hijack(kafka.bootstrap, "somebody", outputs):
        assert names(await check_lso(scene)) == {"lso"}


async def test_a_zombie_that_shows_what_is_past_is_caught() -> None:
    asked: list[int] = []
    shown = {"purchases": 4, "clicks": 5}

    async def get(slot: Slot, path: str) -> tuple[int, object]:
        asked.append(slot.number)
        return (200, {"offsets": shown}) if len(asked) % 2 else (503, {})

    report = Report(1, [], "", "", {})
    scene = SimpleNamespace(
        cluster=SimpleNamespace(get=get), service=Service("h:1", 1), report=report
    )
    slot, done = Slot(0, Path(), Path()), {("purchases", 0): 4, ("clicks", 0): 5}
    assert await ask_zombie(cast("Scene", scene), slot, done, "") == -(-len(asked) // 2) > 0
    assert report.failed == {}
    await ask_zombie(cast("Scene", scene), slot, {**done, ("clicks", 0): 6}, "")
    assert set(report.failed) == {"zombie-view"}
    assert behind("u1", shown, 0, {("clicks", 0): 6}) == ["u1 clicks 5, 6 before"]


async def test_a_client_of_the_views_that_dies_is_seen() -> None:
    cluster = SimpleNamespace(running=[SimpleNamespace(ready=True)])
    views = Views(cast("Cluster", cluster), 1)
    views.start()
    await asyncio.sleep(3 * PAUSE)
    with pytest.raises(AttributeError):
        await views.stop()


async def test_damage_that_a_worker_does_not_speak_of_is_no_evidence(tmp_path: Path) -> None:
    slot = Slot(0, tmp_path, tmp_path / "log")
    slot.log.write_text("the store in /d/partition-1 is damaged: x\n")
    assert await not_said(slot, 0, [1, 11], 0.1) == {11}
