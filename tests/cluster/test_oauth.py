"""Workers and commands at a broker that lets in who shows a token of an OIDC provider."""

import asyncio
import json
from pathlib import Path

import pytest

from app.errors import UserError
from app.settings import load_settings
from app.topics_admin import describe
from tests.cluster.oauth_kafka import OAuthKafka, oauth_kafka
from tests.oracle.compare_outputs import compare_outputs
from tests.oracle.model import Model
from tests.support.command import streamjoin
from tests.support.service import Service, keyed, lines
from tests.support.worker import Worker
from tests.web.asking import until_ready

__all__ = ["oauth_kafka"]
PARTITIONS = 2
COMMANDS = (
    ("topics", "create", "--partitions", str(PARTITIONS)),
    ("check",),
    ("produce", "clicks", "--user-id", "ann", "--page", "/a"),
    ("lag",),
    ("dead-letters", "list"),
    ("groups", "list"),
    ("export", "enriched-purchases"),
    ("groups", "reset-offsets", "--to", "earliest", "--dry-run"),
)


def service(kafka: OAuthKafka, listener: str = "OAUTH", **changes: str) -> Service:
    """What its workers and commands are told; the test itself goes by the listener PLAINTEXT."""
    given = kafka.settings(listener, log_level="DEBUG", **changes)
    return Service(kafka.addresses["PLAINTEXT"], PARTITIONS, given)


def canaries(text: str) -> list[str]:
    return [line for line in text.splitlines() if "canary-" in line or "eyJ" in line]


def test_every_command_gets_in_and_shows_no_secret(oauth_kafka: OAuthKafka) -> None:
    shop = service(oauth_kafka)
    for command in COMMANDS:
        done = streamjoin(shop.environment, *command)
        assert done.returncode == 0, (command, done.stderr, done.stdout)
        assert canaries(done.stdout + done.stderr) == []


async def test_the_listener_does_demand_a_token(oauth_kafka: OAuthKafka) -> None:
    """Else the tests here would show nothing."""
    with pytest.raises(UserError, match="its listener may demand TLS or a user"):
        await describe(oauth_kafka.addresses["OAUTH"], [])


async def test_a_token_that_the_broker_does_not_take_is_one_line(oauth_kafka: OAuthKafka) -> None:
    oauth_kafka.oidc.audience = "another"
    try:
        with pytest.raises(UserError, match="does not take the token") as caught:
            await describe(load_settings(**oauth_kafka.settings()).cluster, [])
        assert "\n" not in str(caught.value)
    finally:
        oauth_kafka.oidc.audience = "kafka"


@pytest.mark.parametrize("command", [("worker",), ("topics", "create"), ("check",)], ids=" ".join)
def test_a_wrong_client_secret_is_one_line(
    oauth_kafka: OAuthKafka, command: tuple[str, ...]
) -> None:
    shop = service(oauth_kafka, sasl_oauth_client_secret="canary-wrong-secret")
    done = streamjoin(shop.environment, *command)
    assert done.returncode == (1 if command == ("check",) else 2), done.stderr
    said = done.stdout if command == ("check",) else done.stderr
    assert "gives client shop-workers no token: HTTP status 401 (invalid_client)" in said
    assert canaries(done.stdout + done.stderr) == []


async def _buy(shop: Service, number: int) -> None:
    """Send a click and a purchase of one of a few users."""
    user, at = f"u{number % 5}", 1_000 + number
    click = json.dumps({"user_id": user, "page": f"/{number}", "timestamp": at})
    purchase = {"user_id": user, "product_id": "p", "amount": 5, "timestamp": at + 0.5}
    messages = [keyed("clicks", user, click, PARTITIONS)]
    await shop.send([*messages, keyed("purchases", user, json.dumps(purchase), PARTITIONS)])


async def test_a_worker_outlives_the_end_of_its_tokens(
    oauth_kafka: OAuthKafka, tmp_path: Path
) -> None:
    """The broker ends each connection after three seconds; the worker goes on, exactly once.

    For a while the provider is away, so that nobody can connect again.
    """
    shop = service(oauth_kafka, "REAUTH", session_timeout="20s")
    await shop.create()
    oauth_kafka.oidc.lifetime = 3.0
    try:
        with shop.worker(tmp_path) as worker:
            await until_ready(worker)
            before = oauth_kafka.oidc.given
            for number in range(60):
                oauth_kafka.oidc.status = 503 if 20 <= number < 35 else 200
                await _buy(shop, number)
                await asyncio.sleep(0.3)
            await shop.at_rest()
            await _ends_well(worker)
        await shop.ended()
    finally:
        oauth_kafka.oidc.lifetime = 300.0
    # Only who connects anew asks for a token.
    assert oauth_kafka.oidc.given > before + 3
    outputs = await shop.outputs()
    expected = Model(await shop.inputs(), shop.oracle, enriched=outputs).run()
    differences = compare_outputs(expected, outputs)
    assert not differences, lines(differences)


async def _ends_well(worker: Worker) -> None:
    assert await worker.terminate() == 0, worker.text
    assert canaries(worker.text) == []
