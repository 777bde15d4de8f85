"""A process that may join the Kafka group, and does not hold the group's key."""

import zlib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from aiohttp import web
from aiokafka import AIOKafkaConsumer
from aiokafka.coordinator.assignors.abstract import AbstractPartitionAssignor
from aiokafka.coordinator.protocol import ConsumerProtocolMemberMetadata
from faust.assignor.client_assignment import ClientAssignment, ClientMetadata

from app.factory import changelog_topic
from app.proofs import HEADER
from models.topics import Direction
from tests.oracle.exact_numbers import partition_of
from tests.support.kafka import Kafka
from tests.support.service import Service
from tests.support.topics import until
from tests.web.asking import Asker, asking, until_ready, user_path
from tests.web.group import listening
from tests.web.key_failures import counted
from tests.web.shop import PARTITIONS, RECORDS

KEY = "canary-group-key-31415"
BEARER = {"Authorization": f"Bearer {KEY}"}
SETTINGS = {"api_key": KEY, "session_timeout": "30s"}
USERS = [f"user-{number}" for number in range(100)]
PATIENCE = 120.0


class RogueAssignor(AbstractPartitionAssignor):  # type: ignore[misc]  # (untyped)
    """Joins as Faust's assignor does; `url`: what it advertises; `learned`: what it is told."""

    name = "faust"

    def __init__(self, url: str) -> None:
        self.url = url
        self.learned = b""
        self.owners: dict[str, Any] = {}

    def metadata(self, topics: set[str]) -> ConsumerProtocolMemberMetadata:
        said = ClientMetadata(
            assignment=ClientAssignment(actives={}, standbys={}),
            url=self.url,
            changelog_distribution={},
        )
        return ConsumerProtocolMemberMetadata(4, list(topics), said.dumps())

    def assign(self, cluster: Any, members: Any) -> Any:  # noqa: ANN401 (aiokafka)
        raise AssertionError("the workers are there first: one of them leads")

    def on_assignment(self, assignment: Any) -> None:  # noqa: ANN401 (aiokafka)
        self.learned = zlib.decompress(assignment.user_data)
        self.owners = dict(ClientMetadata.loads(self.learned).changelog_distribution)


@asynccontextmanager
async def rogue(service: Service, url: str) -> AsyncIterator[tuple[RogueAssignor, Any]]:
    """A member of the service's group that knows the topics and the broker, and no key."""
    assignor = RogueAssignor(url)
    consumer = AIOKafkaConsumer(
        *service.of(Direction.INPUT, Direction.INTERNAL),
        changelog_topic(service.loaded()),
        bootstrap_servers=service.bootstrap,
        group_id=service.app_id,
        enable_auto_commit=False,
        partition_assignment_strategy=[assignor],
        session_timeout_ms=30_000,
        rebalance_timeout_ms=90_000,
    )
    await consumer.start()
    try:
        yield assignor, consumer._coordinator
    finally:
        await consumer.stop()


async def _seen(asker: Asker, fits: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    """Wait until a worker shows another one that `fits`; what is shown of it."""
    found: list[dict[str, Any]] = []

    async def shown() -> bool:
        workers = (await asker.get("/v1/workers", headers=BEARER)).json["workers"]
        found[:] = [worker for worker in workers if fits(worker)]
        return bool(found)

    await until(shown, PATIENCE, "shown")
    return found[0]


async def _asked_about_everybody(asker: Asker, lost: set[int]) -> None:
    """Users of the rogue's partitions have no answer, and a reason; sums are without them."""
    for user in USERS:
        reply = await asker.get(user_path(user, "totals"), headers=BEARER)
        if partition_of(user.encode(), PARTITIONS) in lost:
            assert (reply.status, reply.headers["Retry-After"]) == (503, "1")
            assert reply.problem["type"].endswith("owner-unproven")
            assert "peer_key" in reply.problem["detail"]
        else:
            assert reply.status == 200 or not reply.problem["type"].endswith("owner-unproven")
    totals = (await asker.get("/v1/totals", headers=BEARER)).json
    assert totals["complete"] is False
    assert lost <= set(totals["missing"])


async def test_a_member_without_the_key_is_asked_nothing(kafka: Kafka, tmp_path: Path) -> None:
    service = await Service(kafka.bootstrap, PARTITIONS, SETTINGS).create()
    await service.send(RECORDS)
    asked: list[str] = []

    async def listen(request: web.Request) -> web.Response:
        asked.append(f"{request.method} {request.raw_path} {dict(request.headers)}")
        return web.Response(body=b"<script>alert(1)</script>", content_type="text/html")

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", listen)
    with service.worker(tmp_path / "a") as one, service.worker(tmp_path / "b") as two:
        for worker in (one, two):
            await until_ready(worker, lambda body: len(body["assigned"] or "") != 1)
        async with listening(app) as url, asking(one.url) as [asker]:
            async with rogue(service, url) as (assignor, coordinator):
                shown = await _seen(asker, lambda worker: worker["url"] == url)
                assert shown["state"] == "unreachable"
                assert "peer_key" in shown["reasons"][0]
                await _asked_about_everybody(asker, _partitions(shown))
                await _with_what_it_learned(assignor, coordinator, asker, url)
                assert "canary" not in assignor.learned.decode()
                await _asks_itself(assignor, one.url)
            assert not asked
            await until_ready(one)
            assert (await counted(one.url, BEARER))["peer-advertisement"] > 0
        for worker in (one, two):
            assert worker.process.poll() is None
            assert "canary" not in worker.text


def _partitions(shown: dict[str, Any]) -> set[int]:
    return {one["partition"] for one in shown["partitions"]}


async def _with_what_it_learned(
    assignor: RogueAssignor,
    coordinator: Any,  # noqa: ANN401 (aiokafka)
    asker: Asker,
    url: str,
) -> None:
    """It joins again under its URL, with the proof of another member's."""
    proven = [said for said in assignor.owners if said.startswith("streamjoin+")]
    assert len(proven) == 2
    forged = f"streamjoin+{url}#{proven[0].rpartition('#')[2]}"
    assignor.url = forged
    coordinator.request_rejoin()
    shown = await _seen(asker, lambda worker: worker["url"] == forged)
    assert shown["state"] == "unreachable"
    await _asked_about_everybody(asker, _partitions(shown))


async def _asks_itself(assignor: RogueAssignor, worker: str) -> None:
    """What it has learned opens nothing."""
    async with asking(worker) as [asker]:
        for said in assignor.owners:
            mac = said.rpartition("#")[2]
            for header in (mac, f"1.{'0' * 32}.{mac}"):
                path = "/internal/v1/totals?partitions=0,1,2,3"
                reply = await asker.get(path, headers={HEADER: header})
                assert (reply.status, reply.problem["type"][-10:]) == (403, "not-a-peer")
