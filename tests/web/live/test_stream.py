"""`/v1/stream`: what a client gets, and how it ends."""

import asyncio
import itertools
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from app.engine.partition_parts import Committed
from app.web.live import hub, stream
from tests.support.topics import until
from tests.web.asking import asking
from tests.web.group import WINDOW, Member, State, serving, user_in
from tests.web.live.watcher import PATIENCE, Event, watching

USER = user_in(0, 2)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub, "OVERALL_PAUSE", 0.01)
    monkeypatch.setattr(hub, "USER_PAUSE", 0.01)


def _member() -> Member:
    return Member(2, {number: State(number) for number in range(2)})


@asynccontextmanager
async def _alone(member: Member, key: str | None = None) -> AsyncIterator[str]:
    """Serve a worker that owns everything."""
    async with serving(member, key) as url:
        member.table = {0: url, 1: url}
        yield url


def _buy(member: Member, user: str, amount: int, number: int = 0) -> None:
    """Commit a purchase, as the engine does."""
    state = member.states[number]
    before = state.snapshot.offsets(("clicks", "purchases", "user-events"))
    state.purchase(user, amount)
    after = state.snapshot.offsets(("clicks", "purchases", "user-events"))
    changes = list(state.store.scan(b"", b"\xff"))
    member.told(Committed(number, {"purchases": 1}, before, after, changes, []))


async def test_a_snapshot_then_changes_and_a_client_that_comes_back_gets_only_those() -> None:
    member = _member()
    query = f"view=totals,revenue&user={USER}"
    async with _alone(member) as url, watching(url, query) as first:
        snapshot: dict[str, Event] = {}
        while len(snapshot) < 2:
            event = await first.next()
            assert event is not None
            snapshot[event.type] = event
        assert first.retry == stream.RETRY_MS
        assert snapshot["totals"].data["purchases"] == 0
        _buy(member, USER, 5)
        changed = await first.until("totals", lambda body: body["purchases"] == 1)
        async with watching(url, query, last_id=changed.id) as again:
            _buy(member, USER, 5)
            event = await again.next()
            assert event is not None
            assert (event.type, event.data["purchases"]) == ("totals", 2)
        async with watching(url, query, last_id="from another stream") as strange:
            assert (await strange.until("revenue")).data["windows"] == []


async def test_silence_is_broken_by_comments(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream, "HEARTBEAT", 0.05)
    member = _member()
    async with _alone(member) as url, watching(url, f"view=totals&user={USER}") as client:
        await client.until("totals")
        reading = asyncio.create_task(client.next())

        async def heard() -> bool:
            return client.comments[:2] == ["heartbeat"] * 2

        await until(heard, PATIENCE, "two heartbeats")
        assert not reading.done()
        reading.cancel()


@pytest.mark.parametrize(
    ("query", "parameter"),
    [
        ("", "view"),
        ("view=", "view"),
        ("view=totals,nothing", "view"),
        ("view=sessions", "user"),
        ("view=sessions&user=", "user"),
        ("view=sessions&user=" + "x" * 257, "user"),
        ("view=revenue&limit=0", "limit"),
        ("view=revenue&view=totals", "view"),
    ],
)
async def test_a_wrong_parameter_is_named(query: str, parameter: str) -> None:
    async with _alone(_member()) as url, asking(url) as [asker]:
        reply = await asker.get(f"/v1/stream?{query}")
        assert reply.status == 422
        assert reply.problem["parameter"] == parameter


async def test_it_needs_the_key() -> None:
    async with _alone(_member(), "secret") as url, asking(url) as [asker]:
        assert (await asker.get("/v1/stream?view=totals")).status == 401
        async with watching(url, "view=totals", key="secret") as client:
            assert (await client.until("totals")).data["complete"]


async def test_more_clients_than_the_setting_are_asked_to_wait() -> None:
    member = _member()
    member.clients = 2
    async with _alone(member) as url, asking(url) as [asker]:
        async with watching(url, "view=totals"), watching(url, "view=totals"):
            reply = await asker.get("/v1/stream?view=totals")
            assert (reply.status, reply.headers["Retry-After"]) == (503, "10")
            assert "stream_clients" in reply.problem["detail"]
            assert "streamjoin_stream_clients 2.0" in (await asker.get("/metrics")).body

        async def left() -> bool:
            return "streamjoin_stream_clients 0.0" in (await asker.get("/metrics")).body

        await until(left, PATIENCE, "rid of clients that have gone")
        async with watching(url, "view=totals") as client:
            await client.until("totals")


async def test_how_long_clients_stay_is_not_the_time_of_an_answer() -> None:
    async with _alone(_member()) as url, asking(url) as [asker]:
        async with watching(url, "view=totals") as client:
            await client.until("totals")

        async def counted() -> bool:
            text = (await asker.get("/metrics")).body
            return 'http_requests_total{method="GET",path="/v1/stream"' in text

        await until(counted, PATIENCE, "rid of the client that has gone")
        text = (await asker.get("/metrics")).body
        assert 'http_request_seconds_count{path="/metrics"}' in text
        assert 'http_request_seconds_count{path="/v1/stream"}' not in text


async def test_a_client_that_does_not_read_is_dropped_and_delays_no_other(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(stream, "SLOW", 0.5)
    member = _member()
    for number in range(1000):
        member.states[0].window(number * WINDOW, 10**12)
    async with _alone(member) as url, asking(url) as [asker]:
        with socket.socket() as idle:
            idle.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            idle.setblocking(False)
            address = ("127.0.0.1", int(url.rpartition(":")[2]))
            await asyncio.get_running_loop().sock_connect(idle, address)
            idle.send(b"GET /v1/stream?view=revenue&limit=1000 HTTP/1.1\r\nHost: x\r\n\r\n")

            revenues = itertools.count(10**12)

            async def dropped() -> bool:
                member.states[0].window(0, next(revenues))
                _buy(member, USER, 1)
                text = (await asker.get("/metrics")).body
                return 'streams_ended_total{reason="slow-client"} 1.0' in text

            async with watching(url, "view=totals") as quick:
                await until(dropped, PATIENCE, "rid of the client that does not read")
                seen = (await asker.get("/v1/totals")).json["purchases"]
                await quick.until("totals", lambda body: body["purchases"] == seen)


async def test_the_end_of_the_worker_is_told() -> None:
    async with _alone(_member()) as url:
        client = watching(url, "view=totals")
        opened = await client.__aenter__()
        await opened.until("totals")
    event = await opened.until("end")
    assert event.data["reason"] == "shutdown"
    assert await opened.next() is None
    await client.__aexit__(None, None, None)


async def test_a_user_of_another_worker_wherever_the_partition_goes() -> None:
    theirs, mine = State(0), State(1)
    one, other = Member(2, {1: mine}), Member(2, {0: theirs})
    async with serving(one) as url, serving(other) as away:
        one.table = other.table = {0: away, 1: url}
        async with watching(url, f"view=totals&user={USER}") as client:
            first = await client.until("totals")
            assert (first.data["user_id"], first.data["partition"]) == (USER, 0)
            _buy(other, USER, 5)
            await client.until("totals", lambda body: body["purchases"] == 1)
            del other.states[0]
            problem = await client.until("problem")
            assert problem.id is None
            assert (problem.data["view"], problem.data["problem"]["status"]) == ("totals", 503)
            one.states[0] = theirs
            one.table = {0: url, 1: url}
            await client.until("totals", lambda body: body["purchases"] == 1)
            _buy(one, USER, 5)
            await client.until("totals", lambda body: body["purchases"] == 2)
