"""A broker's life: started, asked, killed, started again on its data, stopped."""

import asyncio
import json
import subprocess
import time
from dataclasses import replace
from pathlib import Path

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from app.broker import EmbeddedBroker
from app.errors import UserError


async def write_records(bootstrap: str, values: list[bytes]) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    await admin.create_topics([NewTopic("kept", num_partitions=1, replication_factor=1)])
    await admin.close()
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap, transactional_id="writer")
    async with producer, producer.transaction():
        for value in values:
            await producer.send_and_wait("kept", value)


async def read_records(bootstrap: str, count: int) -> list[bytes]:
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, isolation_level="read_committed")
    async with consumer:
        partition = TopicPartition("kept", 0)
        consumer.assign([partition])
        await consumer.seek_to_beginning(partition)
        return [(await consumer.getone()).value for _ in range(count)]


def test_records_survive_kill_9_and_life_goes_on(own_broker: EmbeddedBroker) -> None:
    values = [str(number).encode() for number in range(100)]
    first = own_broker.start()
    asyncio.run(write_records(first.bootstrap, values))

    own_broker.kill()
    assert not own_broker.status().running
    second = own_broker.start()

    assert second.pid != first.pid
    assert second.bootstrap == first.bootstrap
    read = asyncio.run(asyncio.wait_for(read_records(second.bootstrap, 100), 30))
    assert read == values

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


def words_of_a_broken_start(folder: Path) -> None:
    broken = EmbeddedBroker(folder, properties={"num.io.threads": "many"})
    with pytest.raises(UserError, match=r"ended while starting.*num\.io\.threads.*logs"):
        broken.start()
    assert not broken.status().running


def test_stop_spares_a_stranger_with_the_same_pid(tmp_path: Path) -> None:
    stranger = subprocess.Popen(["sleep", "60"])
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
