"""The whole real sample through a real worker on a real broker, against the model."""

import random
from pathlib import Path

import aiohttp

from app.producer import EventProducer, ReplayOptions, replay
from tests.oracle.compare_http import (
    VIEWS,
    Answer,
    compare_revenue,
    compare_totals,
    compare_view,
)
from tests.oracle.compare_outputs import compare_outputs
from tests.oracle.conservation import unaccounted
from tests.oracle.equality import parse_answer
from tests.oracle.model import Expected, Model
from tests.oracle.records import Record, committed_only
from tests.support.kafka import Kafka
from tests.support.service import Service, lines
from tests.support.topics import Ends, committed
from tests.support.worker import ROOT

SAMPLE = ROOT / "app" / "demo" / "sample"
FILES = [SAMPLE / "clicks.ndjson.gz", SAMPLE / "purchases.ndjson.gz"]
USERS = 300
"""Users whose views are looked at; those with purchases first."""
LAST_DAY_MS = 1_472_342_400_000
"""2016-08-28 00:00 UTC."""


async def replay_sample(service: Service, options: ReplayOptions) -> int:
    async with EventProducer(service.bootstrap, compression="lz4") as producer:
        return (await replay(FILES, producer, options)).total


async def get(session: aiohttp.ClientSession, path: str) -> Answer:
    async with session.get(path) as response:
        body = await response.read()
        assert response.status == 200, body
    answer = parse_answer(body)
    assert isinstance(answer, dict)
    return answer


def some_users(inputs: list[Record]) -> list[str]:
    """Those who bought, and others, each time the same."""
    bought = {(r.key or b"").decode() for r in inputs if r.topic.endswith("purchases")}
    others = sorted({(r.key or b"").decode() for r in inputs} - bought)
    dice = random.Random(4)
    return [*dice.sample(sorted(bought), USERS // 2), *dice.sample(others, USERS // 2), "nobody"]


async def views_differ(url: str, expected: Expected, inputs: list[Record], at: Ends) -> list[str]:
    """Every view of some users, the totals, and all pages of the revenue."""
    differences = []
    async with aiohttp.ClientSession(url) as session:
        for user in some_users(inputs):
            for name in VIEWS:
                limit = "?limit=1000" if name == "enriched-purchases" else ""
                answer = await get(session, f"/v1/users/{user}/{name}{limit}")
                differences += compare_view(expected, name, user, answer, at)
        differences += compare_totals(expected, await get(session, "/v1/totals"))
        rows: list[Answer] = []
        page = await get(session, "/v1/revenue?limit=70")
        while True:
            windows = page["windows"]
            assert isinstance(windows, list)
            assert page["complete"] is True
            rows += windows
            if page["next"] is None:
                break
            assert len(windows) == 70
            page = await get(session, f"/v1/revenue?limit=70&cursor={page['next']}")
    return differences + compare_revenue(expected, rows)


async def sample_through_a_worker(service: Service, folder: Path) -> tuple[int, list[str]]:
    """Have one worker read the sample that lies ready; how many records, and what differs.

    Compared are every value on every topic, and the views over HTTP.
    """
    options = ReplayOptions(names=service.names, mirror_user_events=True)
    sent = await replay_sample(service, options)
    with service.worker(folder) as worker:
        await service.at_rest()
        read, at = await service.inputs(), await committed(service.bootstrap, service.app_id)
        inputs = committed_only(read, at)
        assert len(inputs) == len(read) == sent
        expected = Model(inputs, service.oracle).run()
        assert not list(unaccounted(expected))
        differences = compare_outputs(expected, await service.outputs())
        differences += await views_differ(worker.url, expected, inputs, at)
        assert await worker.terminate() == 0, worker.text
    return sent, differences


async def test_sample_that_lay_ready(kafka: Kafka, tmp_path: Path) -> None:
    """The merge of complete queues."""
    service = await Service(kafka.bootstrap).create()
    _, differences = await sample_through_a_worker(service, tmp_path)
    assert not differences, lines(differences)


async def test_sample_that_comes_while_the_worker_runs(kafka: Kafka, tmp_path: Path) -> None:
    """Its last day, live: the order that the worker chose is told by `clicks.offset`."""
    service = await Service(kafka.bootstrap, settings={"join_wait": "300ms"}).create()
    options = ReplayOptions(
        names=service.names, mirror_user_events=True, from_ms=LAST_DAY_MS, speed=40_000
    )
    with service.worker(tmp_path) as worker:
        await service.at_rest()
        sent = await replay_sample(service, options)
        await service.at_rest()
        assert await worker.terminate() == 0, worker.text
    inputs, outputs = await service.inputs(), await service.outputs()
    assert len(inputs) == sent
    expected = Model(inputs, service.oracle, enriched=outputs).run()
    differences = compare_outputs(expected, outputs)
    assert not differences, lines(differences)
