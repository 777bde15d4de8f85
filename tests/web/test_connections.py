"""Connections on which no request comes, and those that must not be taken for such."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from typing import NamedTuple

import pytest

from app.web import connections, guard
from tests.web.asking import asking
from tests.web.group import Member, State, application_of, running
from tests.web.live.watcher import watching

PATIENCE = 60.0
"""Less than the time after which aiohttp closes a connection that is not used."""
GET = b"GET /openapi.json HTTP/1.1\r\nHost: here\r\n"


class Connection(NamedTuple):
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def ask(self, rest: bytes) -> int:
        """Send, and read an answer with a body; its status."""
        async with asyncio.timeout(PATIENCE):
            self.writer.write(rest)
            head = (await self.reader.readuntil(b"\r\n\r\n")).decode().lower()
            length = head.partition("content-length:")[2].split()[0]
            await self.reader.readexactly(int(length))
        return int(head.split()[1])

    async def ended(self) -> bytes:
        """Wait until the other side has closed it; what came before."""
        async with asyncio.timeout(PATIENCE):
            return await self.reader.read()


class Served(NamedTuple):
    url: str
    member: Member

    @asynccontextmanager
    async def connected(self) -> AsyncIterator[Connection]:
        host, _, port = self.url.removeprefix("http://").partition(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        with closing(writer):
            yield Connection(reader, writer)

    async def limit_passed(self) -> None:
        """Wait until a connection that was opened now, and asks nothing, is closed."""
        async with self.connected() as silent:
            assert await silent.ended() == b""


@pytest.fixture
async def served(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Served]:
    """A worker's application as it is served, with a short limit."""
    monkeypatch.setattr(connections, "HEAD_SECONDS", 0.3)
    monkeypatch.setattr(connections, "REST_SECONDS", PATIENCE)
    monkeypatch.setattr(guard, "_BODY_SECONDS", PATIENCE)
    member = Member(1, {0: State(0)})
    async with running(application_of(member)) as runner:
        member.table = {0: runner.url}
        yield Served(runner.url, member)


async def test_one_that_asks_nothing_is_closed_and_not_logged(
    served: Served, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    await served.limit_passed()
    async with served.connected() as half:
        half.writer.write(GET)
        assert await half.ended() == b""
    async with asking(served.url) as [asker]:
        assert (await asker.get("/openapi.json")).status == 200
    assert [record for record in caplog.records if record.name != "asyncio"] == []
    assert [record for record in caplog.records if record.levelno > logging.DEBUG] == []


async def test_one_that_sends_its_head_byte_by_byte_is_closed(served: Served) -> None:
    async with served.connected() as slow:
        slow.writer.write(GET + b"X-Slow: ")
        ending = asyncio.create_task(slow.ended())
        while not ending.done():
            slow.writer.write(b"a")
            await asyncio.wait([ending], timeout=0.02)
        # What was on its way when it was closed has the system break it off.
        assert isinstance(ending.exception(), ConnectionError | None)


async def test_one_that_has_asked_stays(served: Served) -> None:
    async with served.connected() as kept:
        assert await kept.ask(GET + b"\r\n") == 200
        await served.limit_passed()
        assert await kept.ask(GET + b"\r\n") == 200
        kept.writer.write(GET)
        await served.limit_passed()
        assert await kept.ask(b"\r\n") == 200


async def test_a_body_has_its_own_time(served: Served) -> None:
    body = b"x" * guard.MAX_BODY
    async with served.connected() as sending:
        sending.writer.write(GET + b"Content-Length: %d\r\n\r\n" % len(body) + body[:1])
        await served.limit_passed()
        assert await sending.ask(body[1:]) == 200


async def test_a_stream_goes_on(served: Served) -> None:
    async with watching(served.url, "view=totals,workers") as client:
        await client.until("totals")
        await served.limit_passed()
        assert "problem" not in client.states
        served.member.table = {}
        problem = await client.until("problem")
        assert problem.data["view"] in ("totals", "workers")
