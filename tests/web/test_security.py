"""Keys and credentials, at real workers."""

from pathlib import Path

from tests.support.kafka import Kafka
from tests.support.service import Service
from tests.support.topics import until
from tests.web.asking import Asker, asking, until_ready, user_path
from tests.web.shop import ANN, BOB, PARTITIONS, RECORDS

KEY = "canary-key-31415"
BEARER = {"Authorization": f"Bearer {KEY}"}
PEER = "X-Streamjoin-Proof"
READ, METRICS = "canary-read-27182", "canary-metrics-1618"
SETTINGS = {
    "api_key": KEY,
    "api_keys": f"read:{READ},metrics:{METRICS}",
    "log_level": "DEBUG",
    "session_timeout": "30s",
}
FAUSTS = {"WEB_BIND": "0.0.0.0", "WEB_PORT": "1", "APP_VALUE_SERIALIZER": "pickle"}
"""Variables of Faust's own: it would put them before what the service tells it."""
CLOSED = ("/v1/totals", "/v1/revenue", "/metrics", user_path(ANN, "totals"), "/nope")
INTERNAL = (
    "/internal/v1/totals?partitions=0",
    "/internal/v1/revenue?partitions=0&low=0&high=1&limit=1",
    "/internal/v1/users/totals?user_id=bob&low=0&high=1&limit=1",
)
WRONG: tuple[dict[str, str], ...] = (
    {},
    {"Authorization": "Bearer wrong"},
    {"Authorization": f"Basic {KEY}"},
    {"Authorization": f"Bearer {KEY}x"},
    {"X-Api-Key": KEY},
    {PEER: KEY},
)


async def test_keys_and_credentials(kafka: Kafka, tmp_path: Path) -> None:
    service = await Service(kafka.bootstrap, PARTITIONS, SETTINGS).create()
    await service.send(RECORDS)
    with service.worker(tmp_path / "a", environment=FAUSTS) as first:
        await until_ready(first)
        with service.worker(tmp_path / "b") as second:
            await until_ready(second)
            await _both_answer(first.url, second.url)
            async with asking(first.url) as [asker]:
                await _without_the_key(asker)
                await _forged_peers(asker)
                await _each_in_its_scope(asker)
                # A connection that a client keeps open does not keep the worker.
                assert await first.terminate() == 0
            for worker in (first, second):
                assert "canary" not in worker.text
                ours = [line for line in worker.text.splitlines() if " aiokafka." not in line]
                assert len(ours) > 10
                assert not [line for line in ours if "ann/" in line or "ann%2F" in line]


async def _both_answer(*urls: str) -> None:
    """With the key each worker answers for users of either; so they accept each other."""
    async with asking(*urls) as askers:

        async def whole() -> bool:
            replies = [await asker.get("/v1/totals", headers=BEARER) for asker in askers]
            assert {reply.status for reply in replies} <= {200, 503}
            return all(reply.json.get("complete") for reply in replies)

        await until(whole, 60, "whole")
        for asker in askers:
            for path in (user_path(ANN, "totals"), user_path(BOB, "totals"), "/metrics"):
                assert (await asker.get(path, headers=BEARER)).status == 200


async def _without_the_key(asker: Asker) -> None:
    for path in CLOSED:
        for headers in WRONG:
            reply = await asker.get(path, headers=headers)
            assert reply.status == 401
            assert reply.headers["WWW-Authenticate"].startswith("Bearer")
            assert KEY not in reply.body
            assert "title" in reply.problem
    assert (await asker.get("/livez")).status == 200
    ready = (await asker.get("/readyz")).json
    assert ready["ready"]
    assert ready["assigned"] is None
    assert (await asker.get("/readyz", headers=BEARER)).json["assigned"] is not None


async def _forged_peers(asker: Asker) -> None:
    """Peers' paths take the peers' credential and nothing else, not even a client's key."""
    for path in INTERNAL:
        for headers in (*WRONG, BEARER, {PEER: ""}, {PEER: f"1.{'0' * 32}.{'0' * 64}"}):
            reply = await asker.get(path, headers=headers)
            assert reply.status == 403
            assert reply.problem["type"].endswith("not-a-peer")


async def _each_in_its_scope(asker: Asker) -> None:
    """A key that is known is refused by 403 where it does not open, and says so."""
    for key, opens, closed in ((READ, "/v1/totals", "/metrics"), (METRICS, "/metrics", "/nope")):
        headers = {"Authorization": f"Bearer {key}"}
        assert (await asker.get(opens, headers=headers)).status in (200, 503)
        reply = await asker.get(closed, headers=headers)
        assert reply.status == 403
        assert reply.problem["type"].endswith("scope")
        assert key not in reply.body
    metrics = await asker.get("/readyz", headers={"Authorization": f"Bearer {METRICS}"})
    assert metrics.json["assigned"] is None
