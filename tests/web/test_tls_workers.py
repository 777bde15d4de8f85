"""Two real workers that speak TLS, and demand certificates of clients and of each other."""

import ssl
from pathlib import Path

import aiohttp

from tests.support.certificates import Authority
from tests.support.kafka import Kafka
from tests.support.service import Service
from tests.support.topics import until
from tests.support.worker import Worker
from tests.web.shop import ANN, BOB, PARTITIONS, RECORDS

KEY = "canary-key-of-a-shop"
BEARER = {"Authorization": f"Bearer {KEY}"}
SECONDS = 240.0


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
    context = ssl.create_default_context(cafile=authority.file)
    context.load_cert_chain(certificate, key)
    timeout = aiohttp.ClientTimeout(total=60)
    with service.worker(tmp_path / "a") as first, service.worker(tmp_path / "b") as second:
        async with aiohttp.ClientSession(timeout=timeout) as session:

            async def ask(worker: Worker, path: str, tls: ssl.SSLContext) -> tuple[int, object]:
                url = worker.url.replace("http://", "https://") + path
                async with session.get(url, ssl=tls, headers=BEARER) as response:
                    return response.status, await response.json()

            async def whole() -> bool:
                try:
                    found = [await ask(one, "/v1/workers", context) for one in (first, second)]
                except aiohttp.ClientError:
                    return False
                return all(
                    isinstance(body, dict) and body["complete"] and len(body["workers"]) == 2
                    for _, body in found
                )

            await until(whole, SECONDS, "whole", 0.5)
            for user in (ANN, BOB):
                path = f"/v1/users/{user.replace('/', '%2F')}/totals"
                for worker in (first, second):
                    assert (await ask(worker, path, context))[0] == 200
            bare = ssl.create_default_context(cafile=authority.file)
            assert (await ask(first, "/livez", bare))[0] == 200
            assert (await ask(first, "/v1/totals", bare))[0] == 403
        assert [await worker.terminate() for worker in (first, second)] == [0, 0]
