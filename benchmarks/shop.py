"""The backlog of a real shop at first start: time, memory, and equality with the oracle's model."""

from __future__ import annotations

import gzip
from collections.abc import Callable, Iterator
from functools import cache
from itertools import chain
from pathlib import Path
from typing import Any

import aiohttp
import msgspec

from app.producer.mirror import mirrored
from benchmarks.backlog import ShopResult
from benchmarks.generate import Keyed, partition_of
from benchmarks.kafka import admin, committed, ends_of, load, read_committed
from benchmarks.worker import Deployment
from models.topics import CLICKS, PURCHASES, TOPICS, USER_EVENTS, Direction, Topic
from tests.oracle.compare_http import (
    VIEWS,
    compare_revenue,
    compare_totals,
    compare_view,
)
from tests.oracle.compare_outputs import compare_outputs
from tests.oracle.equality import parse_answer
from tests.oracle.model import Model
from tests.oracle.records import Record, Settings

PARTITIONS = 4
LIMIT_S = 240.0
SAMPLED_USERS = 50
FILES = {CLICKS: "clicks.ndjson.gz", PURCHASES: "purchases.ndjson.gz"}


class _User(msgspec.Struct):
    user_id: str


Answers = dict[str, Any]
"""Parsed answers by path; `/v1/revenue` is the list of all its windows."""


async def run_shop(deployment: Deployment, data: Path, show: Callable[[str], None]) -> ShopResult:
    """Load the shop's files from `data`, run a worker on them, compare it with the model.

    Every page view and priced purchase is a user event too, as the data's README has it.
    """
    await deployment.create_topics(PARTITIONS)
    ends = await _load(deployment, data, show)
    total = sum(ends.values())
    users = _purchasers(data)
    async with admin(deployment.broker) as client, aiohttp.ClientSession() as session:
        worker = deployment.start()

        async def finished() -> bool:
            seen = await committed(client, deployment.app_id, ends)
            show(f"shop: {seen:,} of {total:,}")
            return seen >= total

        try:
            wall_s = await worker.until(finished, LIMIT_S)
            answers = await _ask(deployment, session, users)
        finally:
            await worker.stop()
        usage = await worker.stop(wall_s)
    show("shop: computing the model")
    sources = (Direction.INPUT,)
    inputs = [record async for record in _records(deployment, sources)]
    outputs = [record async for record in _records(deployment, (Direction.OUTPUT,))]
    differences = _compare(deployment, inputs, outputs, answers)
    return ShopResult(total, usage, differences, len(outputs), len(answers))


async def _load(deployment: Deployment, data: Path, show: Callable[[str], None]) -> dict[Any, int]:
    ends: dict[Any, int] = {}
    sources = {
        CLICKS: _lines(data, CLICKS),
        PURCHASES: _lines(data, PURCHASES),
        USER_EVENTS: _user_events(data),
    }
    for topic, lines in sources.items():
        name = deployment.name(topic)

        def progress(count: int, name: str = name) -> None:
            show(f"shop: {count:,} records in {name}")

        counts = await load(deployment.broker, name, map(_keyed, lines), progress)
        ends |= ends_of(name, counts)
    return ends


def _lines(data: Path, topic: Topic) -> Iterator[bytes]:
    with gzip.open(data / FILES[topic]) as lines:
        for line in lines:
            yield line.rstrip()


def _user_events(data: Path) -> Iterator[bytes]:
    """Yield the mirrored events in order of time."""
    both = chain.from_iterable(
        (mirrored(topic, line) for line in _lines(data, topic)) for topic in FILES
    )
    timestamp = msgspec.json.Decoder(dict[str, Any]).decode
    return iter(sorted((event for event in both if event), key=lambda e: timestamp(e)["timestamp"]))


_user = msgspec.json.Decoder(_User).decode


def _keyed(line: bytes) -> Keyed:
    key = _user(line).user_id.encode()
    return Keyed(_partition(key), key, line)


@cache
def _partition(key: bytes) -> int:
    return partition_of(key, PARTITIONS)


def _purchasers(data: Path) -> list[str]:
    users = dict.fromkeys(_user(line).user_id for line in _lines(data, PURCHASES))
    every = max(1, len(users) // SAMPLED_USERS)
    return list(users)[::every]


async def _ask(deployment: Deployment, session: aiohttp.ClientSession, users: list[str]) -> Answers:
    async def get(path: str) -> Any:  # noqa: ANN401 (JSON)
        async with session.get(deployment.url + path) as answer:
            answer.raise_for_status()
            return parse_answer(await answer.read())

    views = [f"/v1/users/{user}/{view}?limit=1000" for user in users for view in VIEWS]
    answers = {
        path: await get(path.replace("recent-clicks?limit=1000", "recent-clicks")) for path in views
    }
    answers["/v1/totals"] = await get("/v1/totals")
    rows: list[Any] = []
    page = await get("/v1/revenue?limit=1000")
    rows += page["windows"]
    while page["next"]:
        page = await get(f"/v1/revenue?limit=1000&cursor={page['next']}")
        rows += page["windows"]
    answers["/v1/revenue"] = rows
    return answers


async def _records(deployment: Deployment, directions: tuple[Direction, ...]) -> Any:  # noqa: ANN401 (an async iterator of Record)
    for topic in TOPICS:
        if topic.direction in directions:
            async for records in read_committed(deployment.broker, deployment.name(topic)):
                for record in records:
                    yield Record.of(record)


def _compare(
    deployment: Deployment, inputs: list[Record], outputs: list[Record], answers: Answers
) -> list[str]:
    names = {topic.id: deployment.name(topic) for topic in TOPICS}
    expected = Model(inputs, Settings(partitions=PARTITIONS, names=names)).run()
    differences = compare_outputs(expected, outputs)
    differences += compare_totals(expected, answers["/v1/totals"])
    differences += compare_revenue(expected, answers["/v1/revenue"])
    for path, answer in answers.items():
        if path.startswith("/v1/users/"):
            user, view = path.removeprefix("/v1/users/").partition("?")[0].split("/")
            differences += compare_view(expected, view, user, answer)
    return differences
