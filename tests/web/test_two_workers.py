"""Two workers: any of them answers for any user; one of them is killed."""

import asyncio
import signal
from decimal import Decimal
from pathlib import Path
from typing import Any

from tests.oracle.compare_http import VIEWS
from tests.oracle.exact_numbers import partition_of
from tests.support.groups import bury_members, members
from tests.support.kafka import Kafka
from tests.support.service import Service
from tests.support.topics import until
from tests.web.asking import Asker, asking, until_ready, user_path
from tests.web.shop import PARTITIONS, click, event, purchase

USERS = [f"user-{number}" for number in range(24)]
PATIENCE = 240.0
TOTALS = {"actions": {"view": 24}, "purchases": 24, "revenue": Decimal("276.24")}


async def _filled(kafka: Kafka, session: str) -> Service:
    settings = {"session_timeout": session, "heartbeat_interval": "1s"}
    service = await Service(kafka.bootstrap, PARTITIONS, settings).create()
    records = []
    for number, user in enumerate(USERS):
        records.append(click(user, f"/{number}", 1))
        records.append(purchase(user, "p", number + 0.01, 2))
        records.append(event(user, "view", 300 * number))
    await service.send(records)
    return service


async def _whole(asker: Asker, path: str) -> Any:  # noqa: ANN401
    """The answer, once it is one: a worker that is slow to answer another is one that is missed."""
    found: list[Any] = []

    async def whole() -> bool:
        reply = await asker.get(path)
        assert reply.status in (200, 503)
        found.append(reply.json)
        return reply.status == 200 and reply.json.get("complete", True)

    await until(whole, PATIENCE, f"a whole answer to {path}")
    return found[-1]


async def _alike(one: Asker, other: Asker) -> None:
    """Both give the same whole answer about every user and about all of them."""
    for user in USERS:
        for view in VIEWS:
            path = user_path(user, view)
            answers = await asyncio.gather(_whole(one, path), _whole(other, path))
            assert answers[0] == answers[1]
            assert answers[0]["user_id"] == user
    for asker in (one, other):
        totals = await _whole(asker, "/v1/totals")
        assert totals == {**TOTALS, "complete": True, "missing": []}
        revenue = await _whole(asker, "/v1/revenue")
        assert sum(window["revenue"] for window in revenue["windows"]) == TOTALS["revenue"]


async def test_any_worker_answers_and_a_killed_one_is_missed(kafka: Kafka, tmp_path: Path) -> None:
    service = await _filled(kafka, "60s")
    with service.worker(tmp_path / "a") as first:
        await until_ready(first)
        living = await members(kafka.bootstrap, service.app_id)
        with service.worker(tmp_path / "b") as second:
            two_each = [
                await until_ready(worker, lambda body: len(body["assigned"]) == 2)
                for worker in (first, second)
            ]
            await service.at_rest()
            async with asking(first.url, second.url) as [one, other]:
                await _alike(one, other)
            second.kill()
        async with asking(first.url) as [one]:
            await _while_it_is_missed(one, two_each[1]["assigned"])
            assert await bury_members(kafka.bootstrap, service.app_id, living) == 1
            await until_ready(first, lambda body: len(body["assigned"]) == 4)
            assert (await _whole(one, "/v1/totals"))["purchases"] == 24
            for user in USERS:
                assert (await _whole(one, user_path(user, "totals")))["purchases"] == 1


async def _while_it_is_missed(asker: Asker, lost: list[int]) -> None:
    """The group has not noticed: 503 for its users, incomplete sums, never a wrong answer."""
    theirs = next(u for u in USERS if partition_of(u.encode(), PARTITIONS) in lost)
    ours = next(u for u in USERS if partition_of(u.encode(), PARTITIONS) not in lost)
    assert (await asker.user(ours, "totals")).status == 200
    reply = await asker.user(theirs, "totals")
    assert reply.status == 503
    assert reply.headers["Retry-After"] == "1"
    assert reply.problem["detail"].startswith("partition ")
    totals = (await asker.get("/v1/totals")).json
    assert (totals["complete"], totals["missing"]) == (False, lost)
    assert totals["purchases"] < TOTALS["purchases"]
    assert (await asker.get("/v1/revenue")).json["missing"] == lost


async def test_a_worker_that_was_stopped_does_not_answer_from_the_past(
    kafka: Kafka, tmp_path: Path
) -> None:
    """SIGSTOP for longer than the session: on waking up it must not take itself for the owner."""
    service = await _filled(kafka, "6s")
    with service.worker(tmp_path / "a") as first:
        await until_ready(first)
        with service.worker(tmp_path / "b") as second:
            for worker in (first, second):
                await until_ready(worker, lambda body: len(body["assigned"]) == 2)
            await service.at_rest()
            first.process.send_signal(signal.SIGSTOP)
            await until_ready(second, lambda body: len(body["assigned"]) == 4)
            await service.send([purchase(user, "late", 1, 3) for user in USERS])
            await service.at_rest()
            async with asking(first.url) as [asker]:
                asked = [asyncio.create_task(asker.user(user, "totals")) for user in USERS]
                await asyncio.sleep(0)
                first.process.send_signal(signal.SIGCONT)
                for reply in await asyncio.gather(*asked):
                    assert reply.status == 503 or reply.json["purchases"] == 2

                async def joined() -> bool:
                    replies = [await asker.user(user, "totals") for user in USERS]
                    fresh = [r for r in replies if r.status == 200]
                    assert all(reply.json["purchases"] == 2 for reply in fresh)
                    return len(fresh) == len(USERS)

                await until(joined, PATIENCE, "answering again")
