"""Which hosts a worker answers for, and what it says where it does not."""

from collections.abc import AsyncIterator, Mapping

import aiohttp
import pytest
from aiohttp import hdrs

from app.errors import SettingError
from app.hosts import host_of, is_loopback
from app.operations.check.finding import Verdict
from app.operations.check.local import check_settings
from app.settings import load_settings, load_worker_settings
from app.web.guard import OwnHosts
from tests.web.asking import asking
from tests.web.group import Member, Running, State, application_of, running

OWN = "http://{hostname}.shop.example:6066"
LOOPBACK = ["localhost", "LocalHost.", "127.0.0.1", "127.0.0.2", "127.255.1.1", "::1", "[::1]",
            "app.localhost", "::ffff:127.0.0.1"]  # fmt: skip
OTHERS = ["", "0.0.0.0", "::", "10.0.0.1", "128.0.0.1", "127.1", "127.0.0.1.evil.example",
          "localhost.evil.example", "2130706433", "notlocalhost"]  # fmt: skip


@pytest.mark.parametrize("host", LOOPBACK)
def test_loopback(host: str) -> None:
    assert is_loopback(host)
    assert load_worker_settings(web_host=host).on_loopback
    address = f"[{host}]" if ":" in host and "[" not in host else host
    assert is_loopback(host_of(f"{address}:9092"))


@pytest.mark.parametrize("host", OTHERS)
def test_what_others_may_reach(host: str) -> None:
    assert not is_loopback(host)
    with pytest.raises(SettingError, match="can be reached from other machines"):
        load_worker_settings(web_host=host)


def test_a_broker_on_loopback_needs_no_tls() -> None:
    settings = load_settings(broker="127.9.9.9:9092,localhost:1")
    [found] = [found for found in check_settings(settings) if found.area == "credentials"]
    assert found.verdict is Verdict.OK


@pytest.fixture
async def served() -> AsyncIterator[Running]:
    member = Member(1, {0: State(0)})
    own = OwnHosts("https://worker-1.shop.example:6066")
    async with running(application_of(member, checks=[own.check])) as runner:
        member.table = {0: runner.url}
        yield runner


async def get(served: Running, path: str, headers: Mapping[str, str]) -> tuple[int, str, str]:
    async with (
        aiohttp.ClientSession() as session,
        session.get(served.url + path, headers=headers) as response,
    ):
        return response.status, response.headers[hdrs.CONTENT_TYPE], await response.text()


@pytest.mark.parametrize(
    "host", ["localhost", "localhost:8080", "127.0.0.3:1", "[::1]:6066", "WORKER-1.shop.example"]
)
async def test_own_names_are_answered(served: Running, host: str) -> None:
    for path in ("/v1/totals", "/openapi.json", "/"):
        assert (await get(served, path, {"Host": host}))[0] == 200


@pytest.mark.parametrize(
    "host",
    ["evil.example", "127.0.0.1.evil.example:6066", "10.0.0.1", "worker-1.shop.example.evil.ex"],
)
async def test_others_are_not(served: Running, host: str) -> None:
    for path in ("/v1/totals", "/openapi.json", "/", "/nope", "/internal/v1/totals?partitions=0"):
        status, kind, body = await get(served, path, {"Host": host})
        assert (status, kind) == (421, "application/problem+json")
        assert "not-this-host" in body
        assert "evil" not in body


async def test_what_is_expected_in_vain_is_a_problem(served: Running) -> None:
    async with asking(served.url) as [asker]:
        for path in ("/v1/totals", "/nope"):
            reply = await asker.get(path, headers={"Expect": "foo"})
            assert reply.status == 417
            assert "100-continue" in reply.problem["detail"]
            assert reply.headers["Cache-Control"] == "no-store"
            assert reply.headers["Server"] == "streamjoin"
        reply = await asker.get("/v1/totals", headers={"Expect": "100-continue"}, data=b"x")
        assert reply.status == 200
