"""Every path of one worker, on a real Kafka, for a shop worked out by hand."""

import asyncio
from collections.abc import AsyncIterator
from decimal import Decimal

import pytest

from tests.oracle.exact_numbers import partition_of
from tests.support.service import Service
from tests.support.worker import Worker
from tests.web.asking import Asker, user_path
from tests.web.shop import ANN, BOB, PARTITIONS, T0, at


async def test_recent_clicks(asker: Asker, names: dict[str, str]) -> None:
    reply = await asker.user(ANN, "recent-clicks")
    assert (reply.status, reply.headers["Content-Type"]) == (200, "application/json")
    assert reply.json == {
        "user_id": ANN,
        "partition": partition_of(ANN.encode(), PARTITIONS),
        "as_of": at(705),
        "offsets": {names["clicks"]: 3, names["purchases"]: 2},
        "clicks": [{"page": "/c", "timestamp": at(700)}],
    }


async def test_totals(asker: Asker, names: dict[str, str]) -> None:
    ann = (await asker.user(ANN, "totals")).json
    assert ann["actions"] == {"view": 3, "buy": 1}
    assert (ann["purchases"], ann["revenue"]) == (2, Decimal("12.500001"))
    assert ann["as_of"] == at(705)
    assert ann["offsets"] == {
        names["clicks"]: 3,
        names["purchases"]: 2,
        names["user-events"]: 4,
    }
    assert (await asker.get("/v1/totals")).json == {
        "actions": {"view": 4, "buy": 1},
        "purchases": 3,
        "revenue": Decimal("912.490001"),
        "complete": True,
        "missing": [],
    }


async def test_enriched_purchases(asker: Asker) -> None:
    nail = {
        "user_id": ANN,
        "product_id": "nail",
        "amount": Decimal("0.000001"),
        "recent_pages": ["/c"],
        "timestamp": at(705),
    }
    lamp = {
        "user_id": ANN,
        "product_id": "lamp",
        "amount": Decimal("12.5"),
        "recent_pages": ["/a", "/b"],
        "timestamp": at(10),
    }
    path = user_path(ANN, "enriched-purchases")
    assert (await asker.get(path)).json["purchases"] == [nail, lamp]
    assert (await asker.get(path + "?limit=1")).json["purchases"] == [nail]


async def test_revenue_page_by_page(asker: Asker) -> None:
    newest = {"start": at(600), "end": at(900), "revenue": Decimal("0.000001"), "purchases": 1}
    oldest = {"start": at(0), "end": at(300), "revenue": Decimal("912.49"), "purchases": 2}
    whole = {"complete": True, "missing": []}
    first = (await asker.get("/v1/revenue?limit=1")).json
    cursor = first.pop("next")
    assert first == {"windows": [{**newest, "closed": False}], **whole}
    second = (await asker.get(f"/v1/revenue?limit=1&cursor={cursor}")).json
    assert second == {"windows": [{**oldest, "closed": False}], "next": None, **whole}
    assert (await asker.get(f"/v1/revenue?from={T0 + 300}")).json["windows"] == first["windows"]
    assert (await asker.get(f"/v1/revenue?to={T0 + 600}")).json["windows"] == second["windows"]


@pytest.mark.parametrize(
    ("view", "empty"),
    [
        ("recent-clicks", {"clicks": []}),
        ("event-counts", {"windows": []}),
        ("totals", {"actions": {}, "purchases": 0, "revenue": 0}),
        ("enriched-purchases", {"purchases": []}),
    ],
)
async def test_an_unknown_user_is_empty(asker: Asker, view: str, empty: dict[str, object]) -> None:
    users = [f"nobody-{number}" for number in range(40)]
    untouched = {partition_of(u.encode(), PARTITIONS) for u in (ANN, BOB)}
    for user in users:
        reply = await asker.user(user, view)
        assert reply.status == 200
        assert empty.items() <= reply.json.items()
        assert (reply.json["as_of"] is None) == (reply.json["partition"] not in untouched)


@pytest.mark.parametrize(
    ("path", "parameter"),
    [
        (user_path("x" * 257, "totals"), "user_id"),
        ("/v1/users//recent-clicks", "user_id"),
        ("/v1/users/%ff/event-counts", "user_id"),
        (user_path(ANN, "enriched-purchases?limit=1001").replace("%3F", "?"), "limit"),
        ("/v1/users/a/enriched-purchases?limit=x", "limit"),
        ("/v1/users/a/event-counts?from=yesterday", "from"),
        ("/v1/users/a/event-counts?from=2&to=1", "to"),
        ("/v1/revenue?limit=0", "limit"),
        ("/v1/revenue?limit=1&limit=2", "limit"),
        ("/v1/revenue?to=NaN", "to"),
        ("/v1/revenue?cursor=nonsense", "cursor"),
    ],
)
async def test_a_bad_parameter_is_named(asker: Asker, path: str, parameter: str) -> None:
    reply = await asker.get(path)
    assert reply.status == 422
    assert reply.problem["parameter"] == parameter


async def test_a_user_of_256_bytes(asker: Asker) -> None:
    assert (await asker.user("ä" * 128, "totals")).json["user_id"] == "ä" * 128


@pytest.mark.parametrize(
    "path", ["/nope", "/stats", "/router", "/graph", "/table", "/table/state", "/performance"]
)
async def test_there_is_nothing_else_of_fausts_least_of_all(asker: Asker, path: str) -> None:
    reply = await asker.get(path)
    assert reply.status == 404
    assert reply.problem["type"] == "about:blank"


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS"])
async def test_other_methods(asker: Asker, method: str) -> None:
    reply = await asker.get("/v1/totals", method=method)
    assert reply.status == 405
    assert "GET" in reply.headers["Allow"]
    assert reply.problem["title"] == "Method Not Allowed"


async def test_a_body_too_large(asker: Asker) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(9):
            yield b"x" * 8192

    for data in (b"x" * (64 * 1024 + 1), chunks()):
        reply = await asker.get("/v1/totals", data=data)
        assert reply.status == 413
        assert "64 KiB" in reply.problem["detail"]
    assert (await asker.get("/v1/totals", data=b"x" * 1000)).status == 200


async def test_what_is_no_http_is_answered_and_not_logged(
    shop: tuple[Service, Worker],
) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", shop[1].port)
    writer.write(b"GET /v1/users/secret-user\x00/totals BANANA\r\n\r\n")
    answer = await asyncio.wait_for(reader.read(), 60)
    writer.close()
    await writer.wait_closed()
    assert answer.startswith(b"HTTP/1.1 400 ") or answer.startswith(b"HTTP/1.0 400 ")
    assert b"application/problem+json" in answer
    assert "secret-user" not in shop[1].text


async def test_health_and_metrics(asker: Asker) -> None:
    assert (await asker.get("/livez")).json == {"alive": True}
    ready = (await asker.get("/readyz")).json
    progress = ready.pop("progress")
    assert [(found["partition"], found["state"]) for found in progress] == [
        (number, "ok") for number in range(4)
    ]
    assert ready == {
        "ready": True,
        "reasons": [],
        "assigned": [0, 1, 2, 3],
        "restoring": [],
        "warnings": [],
    }
    metrics = await asker.get("/metrics")
    assert metrics.headers["Content-Type"].startswith("text/plain; version=")
    assert 'streamjoin_records_total{agent="enrich"} 6.0' in metrics.body
