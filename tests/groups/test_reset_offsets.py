"""`streamjoin groups reset-offsets`: offsets, changelog and local state agree afterwards."""

import shutil
import signal
from pathlib import Path

import pytest

from app.factory import changelog_topic
from app.groups.admin import members
from models.topics import Direction
from tests.groups.resetting import Seen, output_ends, refuses, reset, run_and_compare
from tests.service.traffic import traffic
from tests.support.admin import delete_group, delete_topic, raise_partitions
from tests.support.kafka import Kafka
from tests.support.service import Service
from tests.support.topics import ends, until

PARTITIONS = 2
NOWHERE: dict[tuple[str, int], int] = {}


async def used(kafka: Kafka, data: Path, module: str = "app.cli.main") -> Service:
    """A service whose worker has taken some traffic and has stopped."""
    service = await Service(kafka.bootstrap, PARTITIONS).create()
    await service.send(traffic(51, 1500, PARTITIONS))
    with service.worker(data, module=module) as worker:
        await service.at_rest(120)
        assert await worker.terminate(60) == 0, worker.text
    return service


async def reset_and_compare(service: Service, data: Path) -> None:
    since = await output_ends(service)
    ran = await reset(service, data, "--to", "earliest", "--yes")
    assert ran.status == 0, ran.text
    assert "once more" in ran.text
    await run_and_compare(service, data, since)


async def test_earliest_after_another_layout(kafka: Kafka, tmp_path: Path) -> None:
    service = await used(kafka, tmp_path, "tests.groups.other_layout")
    assert (await refuses(service, tmp_path)).status == 2
    await reset_and_compare(service, tmp_path)


async def test_latest_leaves_out_what_is_there(kafka: Kafka, tmp_path: Path) -> None:
    service = await used(kafka, tmp_path)
    await service.send(traffic(52, 200, PARTITIONS))
    first = await ends(service.bootstrap, service.of(Direction.INPUT), PARTITIONS)
    since = await output_ends(service)
    ran = await reset(service, tmp_path, "--to", "latest", "--yes")
    assert ran.status == 0, ran.text
    await service.send(traffic(53, 1500, PARTITIONS))
    await run_and_compare(service, tmp_path, since, first)


@pytest.mark.parametrize("lost", ["group", "changelog", "changelog and folder"])
async def test_lost_group_or_changelog(kafka: Kafka, tmp_path: Path, lost: str) -> None:
    service = await used(kafka, tmp_path)
    if lost == "group":
        await delete_group(service.bootstrap, service.app_id)
    else:
        await delete_topic(service.bootstrap, changelog_topic(service.loaded()))
    if lost == "changelog and folder":
        shutil.rmtree(tmp_path / service.app_id)
    assert (await refuses(service, tmp_path)).status == 1
    await reset_and_compare(service, tmp_path)


async def test_a_changelog_of_more_partitions(kafka: Kafka, tmp_path: Path) -> None:
    """As after topics that were made anew with fewer partitions than before."""
    service = await used(kafka, tmp_path)
    changelog = changelog_topic(service.loaded())
    await raise_partitions(service.bootstrap, changelog, PARTITIONS + 2)
    await refuses(service, tmp_path)
    await reset_and_compare(service, tmp_path)


async def test_both_lost(kafka: Kafka, tmp_path: Path) -> None:
    """Then a worker would begin anew by itself, and merge the partial sums of before."""
    service = await used(kafka, tmp_path)
    await delete_group(service.bootstrap, service.app_id)
    await delete_topic(service.bootstrap, changelog_topic(service.loaded()))
    await reset_and_compare(service, tmp_path)


async def test_killed_anywhere_it_is_refused_and_put_right(kafka: Kafka, tmp_path: Path) -> None:
    service = await used(kafka, tmp_path)
    before = await Seen.now(service, tmp_path)
    dying = {"module": "tests.groups.dying_reset"}
    flags = ("--to", "earliest", "--yes")
    final = f"commit:{PARTITIONS + 2}"
    for place in ("commit:1", "commit:2", "step:3", "step:5", "step:6", final):
        ran = await reset(service, tmp_path, *flags, **dying, environment={"DIES_AT": place})
        assert ran.status == -signal.SIGKILL, (place, ran.text)
        if place == "commit:1":
            assert await Seen.now(service, tmp_path) == before
        else:
            await refuses(service, tmp_path)
    await reset_and_compare(service, tmp_path)


async def test_a_live_group_is_left_alone(kafka: Kafka, tmp_path: Path) -> None:
    service = await Service(kafka.bootstrap, PARTITIONS).create()
    await service.send(traffic(54, 500, PARTITIONS))
    with service.worker(tmp_path) as worker:
        await service.at_rest(120)
        before = await Seen.now(service, tmp_path)
        for flags in (("--yes",), ("--dry-run",)):
            ran = await reset(service, tmp_path, "--to", "earliest", *flags)
            assert ran.status == 1
            assert "is live" in ran.text
            assert "127.0.0.1" in ran.text
        assert await Seen.now(service, tmp_path) == before
        assert worker.process.poll() is None
        await service.send(traffic(55, 500, PARTITIONS))
        await service.at_rest(120)
        assert await worker.terminate(60) == 0, worker.text


async def test_looking_and_not_being_asked_change_nothing(kafka: Kafka, tmp_path: Path) -> None:
    service = await used(kafka, tmp_path)
    before = await Seen.now(service, tmp_path)
    looked = await reset(service, tmp_path, "--to", "earliest", "--dry-run")
    assert looked.status == 0, looked.text
    for (topic, partition), offset in before.offsets.items():
        new = offset if topic in service.of(Direction.INTERNAL) else 0
        row = [line.split() for line in looked.text.splitlines() if line.startswith(topic)]
        assert [topic, str(partition), f"{offset:,}", "->", f"{new:,}"] in row, looked.text
    asked = await reset(service, tmp_path, "--to", "earliest")
    assert asked.status == 2
    assert "--yes" in asked.text.splitlines()[-1]
    assert await Seen.now(service, tmp_path) == before


async def test_a_stopped_worker_that_wakes_up_changes_nothing(kafka: Kafka, tmp_path: Path) -> None:
    """Another machine's: its folder is not this one's, and its session has ended meanwhile."""
    service = Service(kafka.bootstrap, PARTITIONS, {"session_timeout": "6s"})
    service.settings["heartbeat_interval"] = "2s"
    await service.create()
    await service.send(traffic(56, 1000, PARTITIONS))
    with service.worker(tmp_path / "there") as zombie:
        await service.at_rest(120)
        await service.send(traffic(57, 500, PARTITIONS))
        zombie.process.send_signal(signal.SIGSTOP)

        async def left() -> bool:
            return not await members(service.bootstrap, service.app_id)

        await until(left, 120, "without members")
        since = await output_ends(service)
        ran = await reset(service, tmp_path / "here", "--to", "earliest", "--yes")
        assert ran.status == 0, ran.text
        zombie.process.send_signal(signal.SIGCONT)
        assert await zombie.status(120) == 1
        assert "was deleted" in zombie.text
    await run_and_compare(service, tmp_path / "here", since)
