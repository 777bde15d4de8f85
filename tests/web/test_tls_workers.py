"""Two real workers that speak TLS, and demand certificates of clients and of each other."""

import ssl
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import aiohttp

from tests.support.certificates import Authority
from tests.support.kafka import Kafka
from tests.support.service import Service
from tests.support.topics import until
from tests.support.worker import Worker
from tests.web.asking import user_path
from tests.web.shop import ANN, BOB, PARTITIONS, RECORDS

KEY = "canary-key-of-a-shop"
BEARER = {"Authorization": f"Bearer {KEY}"}
SECONDS = 240.0


async def ask(worker: Worker, path: str, tls: ssl.SSLContext) -> tuple[int, Any]:
    """One question over TLS, with the key."""
    url = worker.url.replace("http://", "https://") + path
    timeout = aiohttp.ClientTimeout(total=60)
    async with (
        aiohttp.ClientSession(timeout=timeout) as session,
        session.get(url, ssl=tls, headers=BEARER) as response,
    ):
        return response.status, await response.json()


async def until_whole(workers: Sequence[Worker], tls: ssl.SSLContext) -> None:
    """Wait until each of them has the answers of all."""

    async def whole() -> bool:
        try:
            found = [(await ask(one, "/v1/workers", tls))[1] for one in workers]
        except aiohttp.ClientError:
            return False
        return all(body["complete"] and len(body["workers"]) == len(workers) for body in found)

    await until(whole, SECONDS, "whole", 0.5)


async def test_workers_ask_each_other_over_tls(kafka: Kafka, tmp_path: Path) -> None:
    authority = Authority(tmp_path, "ours")
    certificate, key = authority.files("127.0.0.1")
    settings = {
        "api_key": KEY,
        "tls_certificate_file": str(certificate),
        "tls_key_file": str(key),
        "tls_client_ca_file": str(authority.file),
        "session_timeout": "30s",
    }
    service = await Service(kafka.bootstrap, PARTITIONS, settings).create()
    await service.send(RECORDS)
    bare = ssl.create_default_context(cafile=authority.file)
    shown = ssl.create_default_context(cafile=authority.file)
    shown.load_cert_chain(certificate, key)
    with service.worker(tmp_path / "a") as first, service.worker(tmp_path / "b") as second:
        await until_whole((first, second), shown)
        for user in (ANN, BOB):
            for worker in (first, second):
                assert (await ask(worker, user_path(user, "totals"), shown))[0] == 200
        assert (await ask(first, "/livez", bare))[0] == 200
        assert (await ask(first, "/v1/totals", bare))[0] == 403
        assert [await worker.terminate() for worker in (first, second)] == [0, 0]
