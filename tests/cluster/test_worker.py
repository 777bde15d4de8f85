"""Workers and commands at a broker that demands TLS and a user, or a client certificate."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.errors import UserError
from app.topics_admin import describe
from tests.support.command import streamjoin
from tests.support.secure_kafka import SecureKafka
from tests.support.service import Service
from tests.support.topics import until
from tests.support.worker import Worker
from tests.web.asking import asking, until_ready

PARTITIONS = 2
KEYS = {"api_key": "canary-api-key-1123", "peer_key": "canary-peer-key-5813"}
BEARER = {"Authorization": f"Bearer {KEYS['api_key']}"}
KEY_PASSWORD = "canary-key-password-2134"
LISTENERS = ("SCRAM", "MTLS")


def service(secure_kafka: SecureKafka, listener: str) -> Service:
    """What its workers and commands are told; the test itself goes by the listener PLAINTEXT."""
    certificate = secure_kafka.shown("locked", None, KEY_PASSWORD) if listener == "MTLS" else {}
    given = secure_kafka.settings(listener, **certificate)
    common = {**KEYS, "log_level": "DEBUG", "session_timeout": "20s"}
    return Service(secure_kafka.addresses["PLAINTEXT"], PARTITIONS, {**given, **common})


def canaries(text: str) -> Iterator[str]:
    """Secrets of any kind: they all begin like this."""
    return (line for line in text.splitlines() if "canary-" in line)


def command(service: Service, *arguments: str, stdin: str = "") -> str:
    """Run one with the service's settings; its output, in which there is no secret."""
    done = streamjoin(service.environment, *arguments, stdin=stdin)
    assert done.returncode == 0, done.stderr
    assert list(canaries(done.stdout + done.stderr)) == []
    return done.stdout


@pytest.mark.parametrize("listener", LISTENERS)
async def test_a_worker_and_the_commands_get_in(
    secure_kafka: SecureKafka, listener: str, tmp_path: Path
) -> None:
    shop = service(secure_kafka, listener)
    made = command(shop, "topics", "create", "--partitions", str(PARTITIONS))
    assert made.count("created") == len(shop.catalogue.names())
    click = {"user_id": "ann", "page": "/a", "timestamp": 1000}
    purchase = {"user_id": "ann", "product_id": "p", "amount": 5, "timestamp": 1001}
    command(shop, "produce", "clicks", stdin=json.dumps(click))
    command(shop, "produce", "purchases", stdin=json.dumps(purchase))
    with shop.worker(tmp_path / "a") as worker:
        await until_ready(worker)
        await shop.at_rest()
        await _answers(worker)
        assert await worker.terminate() == 0
        assert len(worker.text.splitlines()) > 10
        assert list(canaries(worker.text)) == []
    [line] = command(shop, "export", "enriched-purchases").splitlines()
    assert json.loads(line)["value"]["recent_pages"] == ["/a"]
    command(shop, "late", "list")
    plan = command(shop, "groups", "reset-offsets", "--to", "earliest", "--dry-run")
    assert f"{shop.app_id}.clicks" in plan


async def _answers(worker: Worker) -> None:
    async with asking(worker.url) as [asker]:
        found = (await asker.get("/v1/users/ann/recent-clicks", headers=BEARER)).json
        assert [click["page"] for click in found["clicks"]] == ["/a"]
        for path in ("/readyz", "/metrics", "/v1/totals"):
            reply = await asker.get(path, headers=BEARER)
            assert reply.status == 200
            assert list(canaries(reply.body)) == []
        assert (await asker.get("/v1/totals")).status == 401


async def test_the_listeners_of_the_broker_do_demand_it(secure_kafka: SecureKafka) -> None:
    """Else the tests above would show nothing."""
    for listener in LISTENERS:
        with pytest.raises(UserError):
            await describe(secure_kafka.addresses[listener], [])


async def test_two_workers_of_one_group_by_different_listeners(
    secure_kafka: SecureKafka, tmp_path: Path
) -> None:
    """As while an operator moves a group from one way in to another."""
    first, second = service(secure_kafka, "SCRAM"), service(secure_kafka, "MTLS")
    second.app_id = first.app_id
    command(first, "topics", "create", "--partitions", str(PARTITIONS))
    with first.worker(tmp_path / "a") as one, second.worker(tmp_path / "b") as two:
        async with asking(one.url, two.url) as askers:

            async def shared() -> bool:
                replies = [await asker.get("/readyz", headers=BEARER) for asker in askers]
                return all(r.status == 200 and len(r.json["assigned"]) == 1 for r in replies)

            await until_ready(one)
            await until_ready(two)
            await until(shared, 240, "shared")
            totals = [(await asker.get("/v1/totals", headers=BEARER)).json for asker in askers]
        assert [found["complete"] for found in totals] == [True, True]
        assert list(canaries(one.text + two.text)) == []
