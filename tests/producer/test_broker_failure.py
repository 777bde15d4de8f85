import asyncio
import json
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from app.broker import BrokerInfo, EmbeddedBroker
from app.producer import EventProducer, Progress, ReplayOptions, UnacknowledgedError, replay
from tests.producer.support import new_topic, patient, records_in
from tests.support.ports import held_port

EVENTS = 200_000


@pytest.fixture
def own(tmp_path: Path) -> Iterator[tuple[EmbeddedBroker, BrokerInfo]]:
    """A broker that a test may ill-treat, on a port that stays its own through restarts."""
    with held_port() as port:
        broker = EmbeddedBroker(tmp_path / "broker", port)
        info = broker.start()
        try:
            yield broker, info
        finally:
            broker.stop()


def links_of(producer: EventProducer) -> set[Any]:
    """The producer's open connections to the broker."""
    client = producer._connection._client
    assert client is not None
    return {link for link in client.client._conns.values() if link.connected()}


@contextmanager
def impatient(producer: EventProducer) -> Iterator[None]:
    """Bound what is sent in the block by a second, and each answer to it by less.

    Only where the broker is silent: what it has to do takes as long as the machine needs.
    """
    connection = producer._connection
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(producer, "_send_timeout", 1.0)
        patch.setattr(connection, "_limits", connection._limits._replace(close=1.0))
        patch.setattr(connection.bulk, "_timeout", 1.0)
        for link in links_of(producer):
            patch.setattr(link, "_request_timeout", 0.3)
        yield


async def test_a_broker_that_falls_silent_ends_the_send_and_the_record_comes_once(
    own: tuple[EmbeddedBroker, BrokerInfo],
) -> None:
    """The record lies in the silent broker's socket, and is sent again on another connection."""
    _, info = own
    topic = await new_topic(info.bootstrap, 1)
    async with patient(info.bootstrap) as producer:
        await producer.send(topic, {"user_id": "u", "n": 0})
        links = links_of(producer)
        os.kill(info.pid, signal.SIGSTOP)
        try:
            with (
                impatient(producer),
                pytest.raises(UnacknowledgedError, match="within 1 s; it may still arrive"),
            ):
                await producer.send(topic, {"user_id": "u", "n": 1})
        finally:
            os.kill(info.pid, signal.SIGCONT)
        await producer.send(topic, {"user_id": "u", "n": 2})
        assert links.isdisjoint(links_of(producer))
    values = [json.loads(record.value)["n"] for record in await records_in(info.bootstrap, topic)]
    assert values == [0, 1, 2]


async def test_a_flush_to_a_broker_that_is_gone_ends(
    own: tuple[EmbeddedBroker, BrokerInfo],
) -> None:
    broker, info = own
    topic = await new_topic(info.bootstrap, 1)
    producer = patient(info.bootstrap)
    await producer.start()
    await producer.send_batch(topic, [{"user_id": "u"}] * 3)
    await producer.put(topic, {"user_id": "u"})
    broker.kill()
    with (
        impatient(producer),
        pytest.raises(UnacknowledgedError, match="nothing for 1 s; 3 records were acknowledged"),
    ):
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

    def on_progress(progress: Progress) -> None:
        if progress.records > EVENTS // 4 and not restarted:
            assert producer.acknowledged < EVENTS
            broker.kill()
            restarted.append(asyncio.create_task(asyncio.to_thread(broker.start)))

    options = ReplayOptions(names={"clicks": topic})
    async with patient(info.bootstrap) as producer:
        result = await replay([path], producer, options, on_progress)
        assert (await restarted[0]).bootstrap == info.bootstrap
    assert result.total == EVENTS
    records = await records_in(info.bootstrap, topic)
    assert len(records) == EVENTS
    for partition in range(2):
        numbers = [json.loads(rec.value)["n"] for rec in records if rec.partition == partition]
        assert numbers == sorted(numbers)
