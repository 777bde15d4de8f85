"""What holds inputs' records takes them whole: `topics create`, a worker's start, `check`."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from app.broker import EmbeddedBroker
from app.factory import changelog_topic
from app.startup import check_topics
from app.topics_admin import describe
from tests.operations.running import Ran, ran, refused
from tests.operations.test_check import texts
from tests.service.test_topics_kept import reconfigure
from tests.support.admin import create_topic
from tests.support.kafka import Kafka
from tests.support.ports import held_port
from tests.support.service import Service
from tests.support.status import ready

ADDED = 64 * 1024
DEFAULT = 1_048_588
HOLDERS = ("late-events", "dead-letters")
SIZE = "max.message.bytes"


async def sizes(service: Service) -> dict[str, int]:
    """`max.message.bytes` of the topics that there are, by the contract's names."""
    found = await describe(service.bootstrap, service.names.values())
    own = {name: topic_id for topic_id, name in service.names.items()}
    return {own[name]: int(topic.configs[SIZE]) for name, topic in found.items()}


async def created(service: Service, *arguments: str) -> dict[str, int]:
    made = await ran(service, "topics", "create", "--partitions", "1", *arguments)
    assert (made.status, made.err) == (0, ""), made
    return await sizes(service)


def holding(size: int) -> dict[str, int]:
    return dict.fromkeys(HOLDERS, size)


async def test_beside_a_larger_input_that_exists(kafka: Kafka) -> None:
    service = Service(kafka.bootstrap, 1)
    await create_topic(kafka.bootstrap, service.names["clicks"], 1, {SIZE: "5000000"})
    found = await created(service)
    assert found == {
        **dict.fromkeys(service.names, DEFAULT),
        "clicks": 5_000_000,
        **holding(5_000_000 + ADDED),
    }
    told = await ran(service, "topics", "describe", *HOLDERS, "--json")
    assert [row["differs"] for row in told.objects] == [{}, {}]
    checked = await ran(service, "check", "--json")
    assert SIZE not in texts(checked, "warning")


@pytest.mark.parametrize("size", [2000, 3_000_000])
async def test_one_size_for_all_is_of_the_inputs(kafka: Kafka, size: int) -> None:
    service = Service(kafka.bootstrap, 1)
    found = await created(service, "--config", f"{SIZE}={size}")
    assert found == {**dict.fromkeys(service.names, size), **holding(size + ADDED)}


async def test_made_before_the_inputs(kafka: Kafka) -> None:
    """Then these are not of the given size; what is larger than they need is given."""
    service = Service(kafka.bootstrap, 1)
    found = await created(service, "dead-letters", "--config", f"{SIZE}=2000")
    assert found == {"dead-letters": DEFAULT + ADDED}
    found = await created(service, "late-events", "--config", f"{SIZE}=9000000")
    assert found["late-events"] == 9_000_000


async def test_a_size_that_is_no_number(kafka: Kafka) -> None:
    service = Service(kafka.bootstrap, 1)
    says = f"--config {SIZE} must be a number of bytes, not '3MB'"
    await refused(service, "topics", "create", "--config", f"{SIZE}=3MB", status=2, says=says)
    assert await sizes(service) == {}


async def test_a_record_as_large_as_the_inputs_take_is_kept_whole(
    kafka: Kafka, tmp_path: Path
) -> None:
    service = Service(kafka.bootstrap, 1)
    await created(service, "--config", f"{SIZE}=6000000")
    bad = b'["' + b"x" * 5_999_850 + b'"]'
    await service.send([("clicks", 0, b"u", bad, None)])
    with service.worker(tmp_path) as worker:
        await service.at_rest()
        assert await worker.terminate() == 0, worker.text
        assert SIZE not in worker.text
    [letter] = await service.output("dead-letters")
    assert letter.value == bad


async def test_what_has_become_too_small_is_a_warning(kafka: Kafka, tmp_path: Path) -> None:
    service = await Service(kafka.bootstrap, 1).create()
    await reconfigure(service, "clicks", **{SIZE: "3000000"})
    with service.worker(tmp_path) as worker:
        await ready(worker)
        assert await worker.terminate() == 0, worker.text
        logged = worker.text
    checked = await ran(service, "check", "--json")
    assert checked.status == 0
    assert worker_says(logged) == [line for line in warnings(checked) if SIZE in line]
    for line, topic in zip(worker_says(logged), HOLDERS, strict=True):
        assert f"topic {service.names[topic]} has {SIZE}={DEFAULT + ADDED}, " in line
        assert f": set it to {3_000_000 + ADDED}" in line
    told = await ran(service, "topics", "describe", "dead-letters")
    would_be = f"topics create would give it {3_000_000 + ADDED}"
    assert f"  {SIZE} is {DEFAULT + ADDED}, {would_be}" in told.out.splitlines()


def worker_says(log: str) -> list[str]:
    mark = " WARNING app.startup "
    return [line.partition(mark)[2] for line in log.splitlines() if mark in line]


def warnings(checked: Ran) -> list[str]:
    return texts(checked, "warning").splitlines()


@pytest.fixture(scope="module")
def other_defaults(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A broker of which topics get other settings than Kafka's own, where none are given."""
    properties = {
        "message.max.bytes": "2000000",
        "log.retention.bytes": "1073741824",
        "log.message.timestamp.type": "LogAppendTime",
        "log.cleanup.policy": "compact",
    }
    with held_port() as port:
        folder = tmp_path_factory.mktemp("other") / "broker"
        broker = EmbeddedBroker(folder, port, properties=properties)
        try:
            yield broker.start().bootstrap
        finally:
            broker.stop()


@pytest.mark.parametrize("settings", [{}, {"topic_retention": "2d"}], ids=str)
async def test_a_brokers_defaults_do_not_spoil_what_is_created(
    other_defaults: str, settings: dict[str, str], caplog: pytest.LogCaptureFixture
) -> None:
    service = Service(other_defaults, 1, settings)
    assert await created(service) == {
        **dict.fromkeys(service.names, 2_000_000),
        **holding(2_000_000 + ADDED),
    }
    loaded = service.loaded()
    await check_topics(loaded, changelog_topic(loaded))
    assert [record for record in caplog.records if record.name == "app.startup"] == []
