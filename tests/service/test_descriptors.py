"""Real workers whose file descriptors run short: by clients that hold them, and by the system."""

import asyncio
import resource
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager, closing
from itertools import islice
from pathlib import Path

import aiohttp
from prometheus_client.parser import text_string_to_metric_families

from tests.service.few_files_worker import FILES, MODULE
from tests.service.test_store_damage import exact
from tests.service.traffic import traffic
from tests.support.kafka import Kafka
from tests.support.service import Message, Service
from tests.support.topics import until
from tests.support.worker import Worker
from tests.web.asking import Asker, until_ready

PARTITIONS = 4
LIMIT = 400
CLIENTS = 1000
"""Idle connections, which the test's own limit has to allow."""
PIECE, PIECES = 400, 4
SECONDS = 240.0
KEY = "canary-key-of-a-shop"
BEARER = {"Authorization": f"Bearer {KEY}"}
ASK = b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n"


class Idle:
    """So many clients that ask `/livez` once, rest, and come again when they are closed."""

    def __init__(self, worker: Worker) -> None:
        self._port = worker.port
        self.answered = 0
        self._clients: list[asyncio.Task[None]] = []

    def come(self, count: int) -> None:
        self._clients = [asyncio.create_task(self._rest()) for _ in range(count)]

    async def leave(self) -> None:
        for client in self._clients:
            client.cancel()
        await asyncio.wait(self._clients)
        assert not [one for one in self._clients if not one.cancelled() and one.exception()]

    async def _rest(self) -> None:
        while True:
            try:
                reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
                with closing(writer):
                    writer.write(ASK)
                    first = await reader.readline()
                    self.answered += first.startswith(b"HTTP/1.1 200")
                    await reader.read()
            except ConnectionError:
                pass
            await asyncio.sleep(0.5)


@asynccontextmanager
async def keyed(worker: Worker) -> AsyncIterator[Asker]:
    """A client that has shown the key, on one connection."""
    timeout = aiohttp.ClientTimeout(total=60)
    connector = aiohttp.TCPConnector(limit=1)
    async with aiohttp.ClientSession(timeout=timeout, connector=connector) as session:
        asker = Asker(session, worker.url)
        assert (await asker.get("/v1/totals", headers=BEARER)).status in (200, 503)
        yield asker


async def shown(asker: Asker, name: str) -> float:
    """What a metric adds up to."""
    reply = await asker.get("/metrics", headers=BEARER)
    families = text_string_to_metric_families(reply.body)
    samples = [sample for family in families for sample in family.samples]
    return sum(sample.value for sample in samples if sample.name == name)


def may_open(count: int) -> None:
    """Have this process be allowed so many files."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    assert hard == resource.RLIM_INFINITY or hard >= count, "the hard limit of open files"
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


async def begun(kafka: Kafka) -> Service:
    return await Service(kafka.bootstrap, PARTITIONS, {"api_key": KEY}).create()


def warned(worker: Worker, text: str) -> int:
    return sum(text in line for line in worker.text.splitlines())


async def test_idle_connections_do_not_touch_processing(kafka: Kafka, tmp_path: Path) -> None:
    may_open(CLIENTS + 200)
    service = await begun(kafka)
    messages = list(traffic(91, PIECE * PIECES, PARTITIONS))
    few = {FILES: str(LIMIT)}
    with service.worker(tmp_path, module=MODULE, environment=few) as worker:
        await until_ready(worker)
        idle = Idle(worker)
        async with keyed(worker) as asker:
            idle.come(CLIENTS)
            assert await shown(asker, "process_max_fds") == LIMIT
            for piece in pieces(messages):
                await service.send(piece)
                await service.at_rest(SECONDS)
                reply = await asker.get("/v1/totals", headers=BEARER)
                assert reply.status == 200
                assert reply.json["complete"]
            assert idle.answered >= CLIENTS
            assert await shown(asker, "process_open_fds") <= LIMIT
            assert await shown(asker, "streamjoin_http_connections_closed_total") > 0
            assert await shown(asker, "streamjoin_store_waits_total") == 0
        await idle.leave()
        assert await worker.terminate() == 0, worker.text
        assert warned(worker, "descriptor") == 0
    await exact(service)


async def test_a_store_waits_for_a_descriptor(kafka: Kafka, tmp_path: Path) -> None:
    service = await begun(kafka)
    messages = traffic(92, 100 * PIECE, PARTITIONS)
    few = {FILES: str(LIMIT)}
    with service.worker(tmp_path, module=MODULE, environment=few) as worker:
        await until_ready(worker)
        await service.send(islice(messages, PIECE))
        await service.at_rest(SECONDS)
        async with keyed(worker) as asker:
            # As if something else of the process held all there are.
            resource.prlimit(worker.process.pid, resource.RLIMIT_NOFILE, (4, LIMIT))

            async def waiting() -> bool:
                # A store notices at its next write that the one before did not get into a file.
                await service.send(islice(messages, PIECE))
                return await shown(asker, "streamjoin_stores_waiting") == PARTITIONS

            await until(waiting, SECONDS, "waiting", 0.1)
            await service.send(islice(messages, PIECE))
            assert (await asker.get("/readyz")).status == 503
            resource.prlimit(worker.process.pid, resource.RLIMIT_NOFILE, (LIMIT, LIMIT))
            await service.at_rest(SECONDS)
            assert await shown(asker, "streamjoin_stores_waiting") == 0
            assert await shown(asker, "streamjoin_store_waits_total") >= PARTITIONS
        assert await worker.terminate() == 0, worker.text
        assert 1 <= warned(worker, "waiting for a file descriptor") <= 4 * PARTITIONS
        assert "damaged" not in worker.text
    await exact(service)


def pieces(messages: list[Message]) -> Iterable[list[Message]]:
    return (messages[at : at + PIECE] for at in range(0, len(messages), PIECE))
