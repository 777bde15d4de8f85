"""Rebalances: partitions that stay are not replayed; static members come back without one."""

import signal
from functools import partial
from pathlib import Path

from app.factory import changelog_topic
from tests.service.traffic import traffic
from tests.support.judged import compare
from tests.support.kafka import Kafka
from tests.support.service import Service, lines
from tests.support.status import by_partition, metric, ready
from tests.support.topics import read_all, until
from tests.support.worker import Worker

PATIENT = {"session_timeout": "10s", "heartbeat_interval": "300ms"}


async def copied(service: Service, worker: Worker) -> bool:
    """Whether it has read all of the changelog of the one partition that it keeps a copy of.

    Its lag alone does not say so: that is as of its last look, which may be of before the records.
    """
    lags = await by_partition(worker, "streamjoin_standby_lag_records")
    if list(lags.values()) != [0.0]:
        return False
    (number,) = lags
    read = await by_partition(worker, "streamjoin_restore_records_total")
    there = await read_all(
        service.bootstrap, [changelog_topic(service.loaded())], service.partitions
    )
    return read.get(number) == len([record for record in there if record.partition == number])


async def test_partitions_that_stay_are_neither_acquired_nor_read_again(
    kafka: Kafka, tmp_path: Path
) -> None:
    """Each record is handed over once by all workers together, whoever comes and goes."""
    service = await Service(kafka.bootstrap, 4, PATIENT).create()
    messages = list(traffic(71, 6000, 4))
    await service.send(messages[:2000])
    with service.worker(tmp_path / "first") as first:
        await ready(first, 4)
        with service.worker(tmp_path / "second") as second:
            await service.send(messages[2000:4000])
            await ready(second, 2)
            await ready(first, 2)
            acquired = await metric(first, "streamjoin_partitions_acquired_total")
            assert acquired == 4, first.text
            await service.at_rest()
            assert await second.terminate() == 0, second.text
        await service.send(messages[4000:])
        await ready(first, 4)
        await service.at_rest()
        assert await metric(first, "streamjoin_partitions_acquired_total") == 6, first.text
        assert await metric(first, "streamjoin_partitions_kept_total") >= 4, first.text
        assert await first.terminate() == 0, first.text
    differences = await compare(service)
    assert not differences, lines(differences)


async def test_a_static_member_comes_back_without_a_rebalance(kafka: Kafka, tmp_path: Path) -> None:
    """Stopped or killed, and started again under its name within the session."""
    service = await Service(kafka.bootstrap, 4, {**PATIENT, "session_timeout": "45s"}).create()
    messages = list(traffic(72, 6000, 4))
    await service.send(messages[:2000])
    named = {"STREAMJOIN_GROUP_INSTANCE_ID": "b"}
    with service.worker(
        tmp_path / "first", environment={"STREAMJOIN_GROUP_INSTANCE_ID": "a"}
    ) as first:
        await ready(first, 4)
        port = {"STREAMJOIN_WEB_PORT": "0"}
        with service.worker(tmp_path / "second", environment=named) as second:
            port = {"STREAMJOIN_WEB_PORT": str(second.port)}
            await ready(second, 2)
            await ready(first, 2)
            before = await metric(first, "streamjoin_rebalances_total")
            assert await second.terminate() == 0, second.text
        await service.send(messages[2000:4000])
        with service.worker(tmp_path / "second", environment={**named, **port}) as again:
            again.port, again.url = second.port, second.url
            await ready(again, 2)
            await service.at_rest()
            again.process.send_signal(signal.SIGKILL)
            await again.status()
        await service.send(messages[4000:])
        with service.worker(tmp_path / "second", environment={**named, **port}) as again:
            again.port, again.url = second.port, second.url
            await service.at_rest(90)
            assert await metric(first, "streamjoin_rebalances_total") == before, first.text
            assert await again.terminate() == 0, again.text
        assert await first.terminate() == 0, first.text
    differences = await compare(service)
    assert not differences, lines(differences)


async def test_two_workers_of_one_name_do_not_throw_each_other_out(
    kafka: Kafka, tmp_path: Path
) -> None:
    """The one that came first stops, and says why."""
    settings = {**PATIENT, "group_instance_id": "same"}
    service = await Service(kafka.bootstrap, 2, settings).create()
    with service.worker(tmp_path / "first") as first:
        await ready(first, 2)
        with service.worker(tmp_path / "second") as second:
            assert await first.status(60) == 1, first.text
            assert "group_instance_id" in first.text
            await ready(second, 2)
            assert await second.terminate() == 0, second.text


async def test_a_standby_takes_over_from_the_end_of_the_changelog(
    kafka: Kafka, tmp_path: Path
) -> None:
    """It has the killed worker's rows before it becomes the owner."""
    settings = {**PATIENT, "standby_replicas": "1"}
    service = await Service(kafka.bootstrap, 2, settings).create()
    messages = list(traffic(73, 4000, 2))
    with service.worker(tmp_path / "first") as first:
        # Alone at first, so that the second writes none of the partition that it will copy.
        await ready(first, 2)
        with service.worker(tmp_path / "second") as second:
            await ready(second, 1)
            await ready(first, 1)
            await service.send(messages[:3000])
            await service.at_rest()
            await until(partial(copied, service, second), 60, "copied")
            before = await metric(second, "streamjoin_restore_records_total")
            first.kill()
            await service.send(messages[3000:])
            await ready(second, 2)
            await service.at_rest(60)
            restored = await metric(second, "streamjoin_restore_records_total")
            assert before > 0
            assert restored == before, second.text
            assert await second.terminate() == 0, second.text
    differences = await compare(service)
    assert not differences, lines(differences)
