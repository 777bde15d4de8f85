"""Scenarios of what surrounds a worker: its folder, its topics, its offsets, its handlers."""

import json
import re
import shutil

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from app.topics_admin import describe
from models.topics import Direction
from tests.chaos.variants.scenarios import PIECE, begin, end
from tests.chaos.variants.trial import EndedError, Trial, last_line
from tests.support.admin import configure
from tests.support.service import send_in_batches
from tests.support.topics import committed, until

OLDEST = "message.timestamp.before.max.ms"


async def lost_folder(trial: Trial) -> None:
    """The local store is gone: all of it must come from the changelog."""
    await begin(trial, 2)
    shutil.rmtree(trial.folder / "first")
    trial.evidence.append("folder of the state deleted")
    await trial.send(PIECE)
    await end(trial)


async def raising(trial: Trial) -> None:
    """Handlers raise half-way: of some purchases every time, of others twice."""
    messages = trial.next(3 * PIECE)
    products = [
        found[1].decode()
        for message in messages
        if (found := re.search(rb'"product_id": "(i\d+)", "amount"', message[3] or b""))
    ]
    always, twice = products[5:45:10], products[10:50:10]
    trial.failing |= set(always)
    await trial.service.send(messages)
    failing = dict.fromkeys(always, 999) | dict.fromkeys(twice, 2)
    worker = trial.start(FAILING=json.dumps(failing))
    await trial.logs(worker, "a handler raised")
    await trial.rest()
    await trial.send(PIECE)
    await trial.rest()
    await trial.stop(worker)


async def refused_output(trial: Trial) -> None:
    """For a while the broker refuses times of 2016 in `enriched-purchases`."""
    await trial.send(PIECE)
    worker = trial.start()
    await trial.rest()
    topic = trial.service.names["enriched-purchases"]
    usual = (await describe(trial.service.bootstrap, [topic]))[topic].configs[OLDEST]
    await limit(trial, topic, "3600000")
    trial.evidence.append("enriched-purchases takes times of the last hour only")
    await trial.send(PIECE)
    if trial.variant is None:
        await trial.dies(worker, 1, "stopped by the refusal")
    else:
        await trial.taken()
        await trial.stop(worker)
    await limit(trial, topic, usual)
    await end(trial)


async def limit(trial: Trial, topic: str, age: str) -> None:
    """Set how far in the past a topic's timestamps may lie, in ms."""
    configs = trial.service.catalogue.topic_configs(trial.service.catalogue.topic(topic))
    await configure(trial.service.bootstrap, {topic: {**configs, OLDEST: age}})

    async def known() -> bool:
        found = await describe(trial.service.bootstrap, [topic])
        return found[topic].configs[OLDEST] == age

    await until(known, 30, "limited")


async def moved_offsets(trial: Trial) -> None:
    """Somebody sets the group's offsets back by themselves, and later puts them right."""
    await begin(trial, 2)
    service = trial.service
    right = await committed(service.bootstrap, service.app_id)
    inputs = set(service.of(Direction.INPUT))
    back = {place: max(at - 20, 0) if place[0] in inputs else at for place, at in right.items()}
    await set_offsets(trial, back)
    trial.evidence.append("offsets of the inputs set back by 20")
    worker = trial.start()
    if trial.variant is None:
        await trial.dies(worker, 1, "the worker refused")
        there = await committed(service.bootstrap, service.app_id)
        if "reset-offsets" not in worker.text or there != back:
            raise EndedError(f"not refused: {there}, not {back}: {last_line(worker)}")
        await set_offsets(trial, right)
    else:
        await trial.rest()
        await trial.stop(worker)
    await trial.send(PIECE)
    await end(trial)


async def set_offsets(trial: Trial, offsets: dict[tuple[str, int], int]) -> None:
    """Commit for the group, which has no member."""
    consumer = AIOKafkaConsumer(
        bootstrap_servers=trial.service.bootstrap,
        group_id=trial.service.app_id,
        enable_auto_commit=False,
    )
    await consumer.start()
    try:
        places = {TopicPartition(*place): offset for place, offset in offsets.items()}
        consumer.assign(list(places))
        await consumer.commit(places)
    finally:
        await consumer.stop()


async def aborted_inputs(trial: Trial) -> None:
    """Committed and aborted transactions upstream, in turn."""
    worker = trial.start()
    async with AIOKafkaProducer(
        bootstrap_servers=trial.service.bootstrap,
        transactional_id=f"upstream-{trial.service.app_id}",
    ) as producer:
        for number in range(6):
            await producer.begin_transaction()
            await send_in_batches(producer, trial.service.names, trial.next(100))
            if number % 2:
                await producer.abort_transaction()
            else:
                await producer.commit_transaction()
    trial.evidence.append("3 transactions upstream aborted")
    await trial.rest()
    await trial.stop(worker)
