"""Asking workers over HTTP."""

import json
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from decimal import Decimal
from typing import Any, NamedTuple
from urllib.parse import quote

import aiohttp
from yarl import URL

from tests.support.service import Message, Service
from tests.support.topics import until
from tests.support.worker import Worker

READY_SECONDS = 240.0


class Reply(NamedTuple):
    status: int
    headers: Mapping[str, str]
    body: str

    @property
    def json(self) -> Any:  # noqa: ANN401
        """The body, its numbers with a fraction as exact decimals."""
        return json.loads(self.body, parse_float=Decimal)

    @property
    def problem(self) -> Any:  # noqa: ANN401
        """The body of an error, checked to be a problem that fits the status."""
        assert self.headers["Content-Type"] == "application/problem+json"
        found = self.json
        assert found["status"] == self.status
        assert {"type", "title", "detail"} <= found.keys()
        return found


class Asker:
    """A client of one address; it fails rather than wait for long."""

    def __init__(self, session: aiohttp.ClientSession, url: str) -> None:
        self._session = session
        self._url = url

    async def get(
        self,
        path: str,
        *,
        method: str = "GET",
        headers: Mapping[str, str] | None = None,
        data: Any = None,  # noqa: ANN401
    ) -> Reply:
        url = URL(self._url + path, encoded=True)
        async with self._session.request(method, url, headers=headers, data=data) as response:
            return Reply(response.status, response.headers, await response.text())

    async def user(self, user: str, view: str) -> Reply:
        return await self.get(user_path(user, view))


def user_path(user: str, view: str) -> str:
    return f"/v1/users/{quote(user, safe='')}/{view}"


@asynccontextmanager
async def asking(*urls: str) -> AsyncIterator[list[Asker]]:
    """A client for each address."""
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=60)) as session:
        yield [Asker(session, url) for url in urls]


async def filled(
    bootstrap: str, partitions: int, settings: dict[str, str], records: Sequence[Message]
) -> Service:
    """A service with topics of its own that hold these records."""
    service = await Service(bootstrap, partitions, settings).create()
    await service.send(records)
    return service


async def at_rest(service: Service, worker: Worker) -> None:
    """Wait until the worker is ready and has taken all."""
    await until_ready(worker)
    await service.at_rest()


async def until_ready(worker: Worker, fits: Callable[[Any], bool] = lambda _: True) -> Any:  # noqa: ANN401
    """Wait until `/readyz` says 200 and `fits` its body; the body."""
    found: list[Any] = []
    async with asking(worker.url) as [asker]:

        async def ready() -> bool:
            assert worker.process.poll() is None, worker.text
            try:
                reply = await asker.get("/readyz")
            except aiohttp.ClientError:
                return False
            found.append(reply.json)
            return reply.status == 200 and fits(reply.json)

        await until(ready, READY_SECONDS, "ready")
    return found[-1]
