"""More connections than there is room for, clients that read nothing, heads that never end."""

import asyncio
import errno
import logging
import socket
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, closing

import pytest

from app.descriptors import SLACK
from app.web import connections, server
from app.web.connection import Why
from tests.support.topics import until
from tests.web.group import Member, Running, State, application_of, running

KEY = "a-key-of-16-characters"
LIMIT = 40
OPEN = b"GET /openapi.json HTTP/1.1\r\nHost: localhost\r\n\r\n"
ASK = b"GET /v1/totals HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer %s\r\n\r\n"
SECONDS = 60.0


class Client:
    """A connection by hand."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    async def ask(self, request: bytes) -> int:
        """Send, and read an answer with a body; its status."""
        self.writer.write(request)
        async with asyncio.timeout(SECONDS):
            head = (await self.reader.readuntil(b"\r\n\r\n")).decode().lower()
            await self.reader.readexactly(int(head.partition("content-length:")[2].split()[0]))
        return int(head.split()[1])

    async def keyed(self) -> int:
        return await self.ask(ASK % KEY.encode())

    @property
    def open(self) -> bool:
        """Whether the server has not closed it, as far as is known by now."""
        return not self.reader.at_eof() and self.reader.exception() is None


@asynccontextmanager
async def connected(
    url: str, count: int = 1, source: str = "127.0.0.1"
) -> AsyncIterator[list[Client]]:
    """So many connections from one address."""
    host, _, port = url.partition("//")[2].partition(":")
    async with AsyncExitStack() as stack:
        found = []
        for _ in range(count):
            reader, writer = await asyncio.open_connection(host, int(port), local_addr=(source, 0))
            stack.enter_context(closing(writer))
            found.append(Client(reader, writer))
        yield found


@pytest.fixture
async def served() -> AsyncIterator[Running]:
    """A worker's application that asks for a key."""
    member = Member(1, {0: State(0)})
    async with running(application_of(member, KEY), LIMIT) as runner:
        member.table = {0: runner.url}
        yield runner


async def test_the_longest_resting_one_goes_first(served: Running) -> None:
    async with connected(served.url, LIMIT) as clients:
        for client in clients:
            assert await client.ask(OPEN) == 200
        # Now it has rested for the shortest time.
        assert await clients[0].ask(OPEN) == 200
        async with connected(served.url, 3) as more:
            for client in more:
                assert await client.ask(OPEN) == 200
            await closed(clients[1:4])
            assert await clients[0].ask(OPEN) == 200
            assert await clients[4].ask(OPEN) == 200
    assert served.closed(Why.ROOM) == 3


async def test_one_with_a_key_is_not_closed_for_one_without(served: Running) -> None:
    async with connected(served.url, LIMIT - SLACK) as friends:
        for friend in friends:
            assert await friend.keyed() == 200
        async with connected(served.url, 5 * LIMIT) as strangers:
            await closed(strangers[:-SLACK])
            for friend in friends:
                assert await friend.keyed() == 200
            keyed, unkeyed = served.connections.counts()
            assert keyed == LIMIT - SLACK
            assert unkeyed <= SLACK
            # Probes get through, whoever else is there.
            async with connected(served.url) as [probe]:
                assert await probe.ask(OPEN) == 200


async def test_one_with_a_key_makes_way_for_another_one_with_a_key(served: Running) -> None:
    async with connected(served.url, LIMIT - SLACK + 1) as friends:
        for friend in friends:
            assert await friend.keyed() == 200
        await closed(friends[:1])
        for friend in friends[1:]:
            assert await friend.keyed() == 200


async def test_a_wrong_key_shows_none(served: Running) -> None:
    async with connected(served.url) as [client]:
        assert await client.ask(ASK % b"wrong") == 401
        assert served.connections.counts() == (0, 1)
        assert await client.keyed() == 200
        assert served.connections.counts() == (1, 0)


async def test_where_many_come_from_one_address_goes_before_anothers_only_one(
    served: Running,
) -> None:
    async with connected(served.url, 1, "127.0.0.2") as [alone]:
        assert await alone.ask(OPEN) == 200
        async with connected(served.url, 3 * LIMIT) as crowd:
            await closed(crowd[:-LIMIT])
            assert await alone.ask(OPEN) == 200


async def test_without_a_key_it_rests_for_a_short_time(
    served: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "REST_SECONDS", 0.3)
    async with connected(served.url, 2) as [friend, stranger]:
        assert await friend.keyed() == 200
        assert await stranger.ask(OPEN) == 200
        await closed([stranger])
        assert await friend.keyed() == 200
    assert served.closed(Why.IDLE) == 1


async def test_a_head_does_not_grow_for_ever(served: Running) -> None:
    async with connected(served.url) as [client]:
        client.writer.write(OPEN[:-2])
        for number in range(2 * server.MAX_HEAD // 1000):
            client.writer.write(b"X-%d: %s\r\n" % (number, b"x" * 990))
        await closed([client])
    assert served.closed(Why.LARGE_HEAD) == 1


async def test_one_that_does_not_read_is_closed(
    served: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "READ_SECONDS", 0.5)
    async with connected(served.url) as [reading], silent(served.url) as sleeping:
        await asyncio.get_running_loop().sock_sendall(sleeping, OPEN * 400)
        while served.closed(Why.SLOW_READER) == 0:
            assert await reading.ask(OPEN) == 200
            await asyncio.sleep(0.05)
        assert served.closed(Why.SLOW_READER) == 1


async def test_what_is_held_for_clients_that_do_not_read_is_bounded(
    served: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "READ_SECONDS", SECONDS)
    monkeypatch.setattr(connections, "UNREAD_BYTES", 1)
    async with silent(served.url) as one, silent(served.url) as two:
        for sleeping in (one, two):
            await asyncio.get_running_loop().sock_sendall(sleeping, OPEN * 400)
        await happened(served, Why.SLOW_READER)
    assert served.closed(Why.SLOW_READER) == 1


async def test_without_descriptors_it_waits_and_says_so_once(
    served: Running, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    accept, left = socket.socket.accept, 3

    def starved(listening: socket.socket) -> object:
        nonlocal left
        left -= 1
        if left >= 0:
            raise OSError(errno.EMFILE, "Too many open files")
        return accept(listening)

    monkeypatch.setattr(socket.socket, "accept", starved)
    async with connected(served.url, 5) as clients:
        assert await clients[-1].ask(OPEN) == 200
    assert served.closed(Why.NO_DESCRIPTOR) == 3
    said = [record for record in caplog.records if record.levelno >= logging.WARNING]
    assert len(said) == 1
    assert "ulimit -n" in said[0].message


@asynccontextmanager
async def silent(url: str) -> AsyncIterator[socket.socket]:
    """A client that takes next to nothing of what is sent to it."""
    host, _, port = url.partition("//")[2].partition(":")
    with socket.socket() as made:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        made.setblocking(False)
        await asyncio.get_running_loop().sock_connect(made, (host, int(port)))
        yield made


async def closed(clients: Sequence[Client]) -> None:
    """Wait until the server has closed all of these."""

    async def ended() -> bool:
        return not any(client.open for client in clients)

    await until(ended, SECONDS, "closed", 0.05)


async def happened(served: Running, why: Why) -> None:
    async def closed_one() -> bool:
        return served.closed(why) > 0

    await until(closed_one, SECONDS, why.value, 0.05)
