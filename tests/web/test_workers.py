"""`/v1/workers`: what all workers say of themselves, whoever is asked."""

from pathlib import Path

from aiohttp import web

from models.topics import Direction
from tests.support.kafka import Kafka
from tests.support.service import Service
from tests.support.worker import Worker
from tests.web.asking import Asker, asking, until_ready
from tests.web.group import Member, State, listening, serving
from tests.web.shop import PARTITIONS


async def test_every_worker_gives_the_same_picture() -> None:
    first, second = Member(3, {0: State(0)}), Member(3, {1: State(1), 2: State(2)})
    second.verdicts = {1: "slow"}
    async with serving(first, "key") as one, serving(second, "key") as other:
        for member in (first, second):
            member.table = {0: one, 1: other, 2: other}
        async with asking(one, other) as askers:
            seen = [
                (await asker.get("/v1/workers", headers={"Authorization": "Bearer key"})).json
                for asker in askers
            ]
    assert seen[0] == seen[1]
    assert (seen[0]["complete"], seen[0]["missing"]) == (True, [])
    by_url = {item["url"]: item for item in seen[0]["workers"]}
    assert by_url.keys() == {one, other}
    assert by_url[other]["state"] == "ready"
    assert by_url[other]["partitions"] == [
        {
            "partition": number,
            "state": "running",
            "lag": {"clicks": number},
            "progress": verdict,
            "lag_seconds": number / 2,
        }
        for number, verdict in ((1, "slow"), (2, "ok"))
    ]


async def test_one_that_does_not_answer_is_shown_with_its_partitions() -> None:
    async def handler(request: web.Request) -> web.Response:
        return web.Response(body=b'{"ready": "perhaps"}')

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", handler)
    member = Member(3, {0: State(0)})
    async with serving(member) as one, listening(app) as other:
        member.table = {0: one, 1: other, 2: "http://127.0.0.1:1"}
        async with asking(one) as [asker]:
            seen = (await asker.get("/v1/workers")).json
    assert (seen["complete"], seen["missing"]) == (False, [1, 2])
    by_url = {item["url"]: item for item in seen["workers"]}
    for url, number in ((other, 1), ("http://127.0.0.1:1", 2)):
        item = by_url[url]
        assert item["state"] == "unreachable"
        assert len(item["reasons"]) == 1
        unknown: dict[str, object] = {
            "state": "unknown",
            "lag": {},
            "progress": None,
            "lag_seconds": None,
        }
        assert item["partitions"] == [{"partition": number, **unknown}]


async def test_a_newer_worker_may_say_more() -> None:
    async def handler(request: web.Request) -> web.Response:
        partition = {"partition": 1, "state": "running", "lag": {}, "progress": "ok"}
        said = {"ready": True, "reasons": [], "standbys": [], "mood": "good"}
        return web.json_response(
            {**said, "partitions": [{**partition, "lag_seconds": 0.5, "colour": "green"}]}
        )

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", handler)
    member = Member(2, {0: State(0)})
    async with serving(member) as one, listening(app) as other:
        member.table = {0: one, 1: other}
        async with asking(one) as [asker]:
            seen = (await asker.get("/v1/workers")).json
    assert (seen["complete"], seen["missing"]) == (True, [])
    [newer] = [item for item in seen["workers"] if item["url"] == other]
    assert newer["state"] == "ready"
    assert newer["partitions"][0]["progress"] == "ok"


async def test_a_worker_that_has_nothing_yet_shows_itself() -> None:
    async with serving(Member(1, {})) as url, asking(url) as [asker]:
        seen = (await asker.get("/v1/workers")).json
        assert [item["url"] for item in seen["workers"]] == [url]
        assert seen["missing"] == [0]


async def test_a_real_worker(shop: tuple[Service, Worker], asker: Asker) -> None:
    seen = (await asker.get("/v1/workers")).json
    assert (seen["complete"], seen["missing"]) == (True, [])
    [item] = seen["workers"]
    assert (item["url"], item["state"], item["reasons"]) == (shop[1].url, "ready", [])
    assert [one["partition"] for one in item["partitions"]] == list(range(PARTITIONS))
    for one in item["partitions"]:
        assert (one["state"], one["progress"], one["lag_seconds"]) == ("running", "ok", 0)
        assert one["lag"].keys() == set(shop[0].of(Direction.INPUT, Direction.INTERNAL))
        assert all(lag == 0 for lag in one["lag"].values())


async def test_a_worker_knows_its_own_url_in_any_form(kafka: Kafka, tmp_path: Path) -> None:
    """As a machine's name with capitals gives it: the group has it in a normal form."""
    service = await Service(kafka.bootstrap, 2).create()
    worker = service.worker(tmp_path)
    worker.environment["STREAMJOIN_ADVERTISED_URL"] = f"http://LocalHost:0{worker.port}/"
    with worker:
        await until_ready(worker, lambda body: len(body["assigned"]) == 2)
        async with asking(worker.url) as [asker]:
            seen = (await asker.get("/v1/workers")).json
    assert [one["url"] for one in seen["workers"]] == [f"http://localhost:{worker.port}"]
    assert seen["complete"]
