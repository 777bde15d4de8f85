import asyncio
import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.broker import BrokerInfo, EmbeddedBroker
from app.producer import EventProducer, Progress, ReplayOptions, UnacknowledgedError, replay
from tests.producer.support import new_topic, records_in

EVENTS = 200_000


@pytest.fixture
def own(tmp_path: Path) -> Iterator[tuple[EmbeddedBroker, BrokerInfo]]:
    """A broker that a test may ill-treat."""
    broker = EmbeddedBroker(tmp_path / "broker")
    info = broker.start()
    try:
        yield broker, info
    finally:
        broker.stop()


async def test_a_broker_that_falls_silent_ends_the_send_and_the_record_comes_once(
    own: tuple[EmbeddedBroker, BrokerInfo],
) -> None:
    _, info = own
    topic = await new_topic(info.bootstrap, 1)
    async with EventProducer(info.bootstrap, send_timeout=1.0) as producer:
        await producer.send(topic, {"user_id": "u", "n": 0})
        os.kill(info.pid, signal.SIGSTOP)
        try:
            with pytest.raises(UnacknowledgedError, match="within 1 s; it may still arrive"):
                await producer.send(topic, {"user_id": "u", "n": 1})
        finally:
            os.kill(info.pid, signal.SIGCONT)
        await producer.send(topic, {"user_id": "u", "n": 2})
    values = [json.loads(record.value)["n"] for record in await records_in(info.bootstrap, topic)]
    assert values == [0, 1, 2]


async def test_a_flush_to_a_broker_that_is_gone_ends(
    own: tuple[EmbeddedBroker, BrokerInfo],
) -> None:
    broker, info = own
    topic = await new_topic(info.bootstrap, 1)
    producer = EventProducer(info.bootstrap, send_timeout=1.0, delivery_timeout=1.0)
    await producer.start()
    await producer.send_batch(topic, [{"user_id": "u"}] * 3)
    await producer.put(topic, {"user_id": "u"})
    broker.kill()
    with pytest.raises(UnacknowledgedError, match="nothing for 1 s; 3 records were acknowledged"):
        await producer.close()


async def test_a_broker_killed_in_the_middle_neither_loses_nor_doubles_nor_reorders(
    own: tuple[EmbeddedBroker, BrokerInfo], tmp_path: Path
) -> None:
    broker, info = own
    topic = await new_topic(info.bootstrap, 2)
    path = tmp_path / "clicks.ndjson"
    with path.open("w") as file:
        file.writelines(
            json.dumps({"user_id": f"u{n % 50}", "n": n, "timestamp": n}) + "\n"
            for n in range(EVENTS)
        )
    restarted: list[asyncio.Task[BrokerInfo]] = []

    def restart() -> BrokerInfo:
        broker.kill()
        return broker.start()

    def on_progress(progress: Progress) -> None:
        if progress.records > EVENTS // 4 and not restarted:
            restarted.append(asyncio.create_task(asyncio.to_thread(restart)))

    options = ReplayOptions(names={"clicks": topic})
    async with EventProducer(info.bootstrap, send_timeout=2.0) as producer:
        result = await replay([path], producer, options, on_progress)
        assert (await restarted[0]).bootstrap == info.bootstrap
    assert result.total == EVENTS
    records = await records_in(info.bootstrap, topic)
    assert len(records) == EVENTS
    for partition in range(2):
        numbers = [json.loads(rec.value)["n"] for rec in records if rec.partition == partition]
        assert numbers == sorted(numbers)
