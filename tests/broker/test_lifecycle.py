"""A broker's life: started, asked, killed, started again on its data, stopped."""

import asyncio
import contextlib
import json
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from app.broker import EmbeddedBroker
from app.broker.probe import answers
from app.errors import UserError
from tests.support.worker import ROOT

PRODUCERS = 16
VALUES = [str(number).encode() for number in range(PRODUCERS)]


async def commit_and_kill(bootstrap: str, kill: Callable[[], None]) -> None:
    """One transaction of one record in each partition, committed together; then `kill` at once.

    So that the broker dies with some commits accepted but not yet marked in their partitions.
    """
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    await admin.create_topics([NewTopic("kept", num_partitions=PRODUCERS, replication_factor=1)])
    await admin.close()
    async with contextlib.AsyncExitStack() as stack:
        producers = [
            await stack.enter_async_context(
                AIOKafkaProducer(bootstrap_servers=bootstrap, transactional_id=f"writer-{number}")
            )
            for number in range(PRODUCERS)
        ]
        for number, producer in enumerate(producers):
            await producer.begin_transaction()
            await producer.send_and_wait("kept", VALUES[number], partition=number)
        await asyncio.gather(*(producer.commit_transaction() for producer in producers))
        kill()


async def read_committed(bootstrap: str) -> list[bytes]:
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, isolation_level="read_committed")
    async with consumer:
        partitions = [TopicPartition("kept", number) for number in range(PRODUCERS)]
        consumer.assign(partitions)
        await consumer.seek_to_beginning(*partitions)
        found = [await consumer.getone() for _ in VALUES]
        return [record.value for record in sorted(found, key=lambda record: record.partition)]


def test_committed_records_survive_kill_9(own_broker: EmbeddedBroker) -> None:
    first = own_broker.start()
    asyncio.run(commit_and_kill(first.bootstrap, own_broker.kill))
    assert not own_broker.status().running

    second = own_broker.start()

    assert second.pid != first.pid
    assert second.bootstrap == first.bootstrap
    read = asyncio.run(asyncio.wait_for(read_committed(second.bootstrap), 240))
    assert read == VALUES

    other = EmbeddedBroker(own_broker.folder)
    assert other.start() == replace(second, already_running=True)
    assert other.status().info == second
    assert (other.status().rss_bytes or 0) > 50 << 20
    with pytest.raises(UserError, match=f"already runs, on port {second.port}"):
        EmbeddedBroker(own_broker.folder, port=1).start()

    assert own_broker.stop() is True
    assert own_broker.stop() is False
    assert not other.status().running
    words_of_a_broken_start(own_broker.folder)


def killed_start(broker: EmbeddedBroker, *, fencing: bool) -> None:
    """A start that is killed when it has written down the process that it waits for.

    `fencing`: the controller that runs alone after a crash; else Kafka, before it answers.
    """
    start = ("-m", "app.cli.main", "broker", "start", "--dir", str(broker.folder))
    with subprocess.Popen([sys.executable, *start], cwd=ROOT, stdout=subprocess.DEVNULL) as starter:
        while True:
            status = broker.status()
            if status.info is not None and (status.info.port == 0) == fencing:
                break
            assert starter.poll() is None
            time.sleep(0.001)
        starter.kill()


@pytest.mark.parametrize("fencing", [False, True])
def test_a_start_goes_on_where_one_was_killed(own_broker: EmbeddedBroker, fencing: bool) -> None:
    own_broker.start()
    if fencing:
        own_broker.kill()
    else:
        own_broker.stop()
    killed_start(own_broker, fencing=fencing)
    left = own_broker.status().info
    assert left
    assert fencing or own_broker.previous_port == left.port
    found = own_broker.start()
    assert found.port
    assert answers(found.bootstrap)
    assert found.already_running is not fencing


def words_of_a_broken_start(folder: Path) -> None:
    broken = EmbeddedBroker(folder, properties={"num.io.threads": "many"})
    with pytest.raises(UserError, match=r"ended while starting.*num\.io\.threads.*logs"):
        broken.start()
    assert not broken.status().running


def test_stop_spares_a_stranger_with_the_same_pid(tmp_path: Path) -> None:
    stranger = subprocess.Popen(["sleep", "3600"])
    try:
        run = {
            "pid": stranger.pid,
            "mark": "0" * 32,
            "port": 9092,
            "version": "4.3.1",
            "java": "17",
            "started_at": time.time(),
        }
        (tmp_path / "run.json").write_text(json.dumps(run))
        broker = EmbeddedBroker(tmp_path)
        assert not broker.status().running
        broker.kill()
        assert broker.stop() is False
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()
