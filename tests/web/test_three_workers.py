"""Three workers: what each of them answers about 1,000 users is what the model says."""

import asyncio
from collections import Counter
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from tests.oracle.compare_http import VIEWS, compare_revenue, compare_totals, compare_view
from tests.oracle.equality import parse_answer
from tests.oracle.exact_numbers import partition_of
from tests.oracle.model import Expected, Model
from tests.service.traffic import traffic
from tests.support.kafka import Kafka
from tests.support.service import Service, lines
from tests.support.topics import committed, until
from tests.support.worker import Worker
from tests.web.asking import Asker, asking, until_ready, user_path

PARTITIONS, WORKERS = 6, 3
USERS = [f"u{number}" for number in range(1, 1001)]
EACH = 2
"""Views that each worker is asked about each user; all of them come up, and forwarded too."""
AT_A_TIME = 8
SETTINGS = {"session_timeout": "60s"}


async def test_each_of_three_answers_as_the_model(kafka: Kafka, tmp_path: Path) -> None:
    service = await Service(kafka.bootstrap, PARTITIONS, SETTINGS).create()
    await service.send(traffic(31, 20_000, PARTITIONS, users=len(USERS)))
    with ExitStack() as stack:
        workers = [
            stack.enter_context(service.worker(tmp_path / str(number))) for number in range(WORKERS)
        ]
        owned = await _shared(workers)
        await service.at_rest()
        expected, done = await _expected(service)
        async with asking(*(worker.url for worker in workers)) as askers:
            differences = [*await _overall(askers, expected)]
            asked = Counter[tuple[str, bool]]()
            for number, asker in enumerate(askers):
                found = await _users(asker, number, owned[number], (expected, done), asked)
                differences += found
            await _same_workers(askers, workers, owned)
    assert not differences, lines(differences)
    assert sum(asked.values()) == len(USERS) * WORKERS * EACH
    assert asked.keys() == {(view, forwarded) for view in VIEWS for forwarded in (False, True)}


async def _shared(workers: list[Worker]) -> list[list[int]]:
    """Wait until each owns its share; which partitions each has."""
    share = PARTITIONS // WORKERS
    bodies = [await until_ready(w, lambda body: len(body["assigned"]) == share) for w in workers]
    owned: list[list[int]] = [body["assigned"] for body in bodies]
    assert sorted(number for numbers in owned for number in numbers) == list(range(PARTITIONS))
    return owned


async def _expected(service: Service) -> tuple[Expected, dict[tuple[str, int], int]]:
    """What the model says, and the group's offsets."""
    outputs = await service.outputs()
    expected = Model(await service.inputs(), service.oracle, enriched=outputs).run()
    assert not expected.differences
    return expected, await committed(service.bootstrap, service.app_id)


async def _whole(asker: Asker, path: str) -> Any:  # noqa: ANN401
    """The answer, once it is one: on a slow machine a worker may miss another's time-out."""
    found: list[Any] = []

    async def whole() -> bool:
        reply = await asker.get(path)
        assert reply.status in (200, 503), reply.body
        found.append(parse_answer(reply.body))
        return reply.status == 200 and found[-1].get("complete", True)

    await until(whole, 240, f"a whole answer to {path}", 0.1)
    return found[-1]


async def _users(
    asker: Asker,
    worker: int,
    owned: list[int],
    model: tuple[Expected, dict[tuple[str, int], int]],
    asked: Counter[tuple[str, bool]],
) -> list[str]:
    """Ask one worker about every user; how its answers differ."""
    expected, done = model
    differences: list[str] = []
    slots = asyncio.Semaphore(AT_A_TIME)

    async def ask(user: str, view: str) -> None:
        more = "?limit=1000" if view == "enriched-purchases" else ""
        async with slots:
            answer = await _whole(asker, user_path(user, view) + more)
        differences.extend(compare_view(expected, view, user, answer, done))
        asked[view, partition_of(user.encode(), PARTITIONS) not in owned] += 1

    await asyncio.gather(
        *(
            ask(user, VIEWS[(index + worker * EACH + more) % len(VIEWS)])
            for index, user in enumerate(USERS)
            for more in range(EACH)
        )
    )
    return differences


async def _overall(askers: list[Asker], expected: Expected) -> list[str]:
    """Totals and all pages of revenue, of each worker."""
    differences: list[str] = []
    for asker in askers:
        differences += compare_totals(expected, await _whole(asker, "/v1/totals"))
        rows: list[Any] = []
        cursor: str | None = ""
        while cursor is not None:
            page = await _whole(asker, f"/v1/revenue?limit=7{cursor}")
            rows += page["windows"]
            cursor = None if page["next"] is None else f"&cursor={page['next']}"
        differences += compare_revenue(expected, rows)
    return differences


async def _same_workers(askers: list[Asker], workers: list[Worker], owned: list[list[int]]) -> None:
    """Each of them gives the same picture of the group."""
    wanted = {worker.url: numbers for worker, numbers in zip(workers, owned, strict=True)}
    for asker in askers:
        seen = await _whole(asker, "/v1/workers")
        assert {
            item["url"]: [one["partition"] for one in item["partitions"]]
            for item in seen["workers"]
        } == wanted
        assert {item["state"] for item in seen["workers"]} == {"ready"}
