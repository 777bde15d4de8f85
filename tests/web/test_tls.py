"""HTTP over TLS, with real certificates: who is let in, and what a renewed file changes."""

import asyncio
import logging
import shutil
import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, closing
from pathlib import Path
from typing import NamedTuple

import aiohttp
import pytest

from app.errors import SettingError
from app.observability.metrics import Metrics
from app.settings import load_settings, load_worker_settings
from app.web import connections
from app.web.connection import Why
from app.web.guard import demand_certificate
from app.web.tls import ServerTls, TlsFiles
from tests.support.certificates import Authority
from tests.support.topics import until
from tests.web.group import Member, Running, State, application_of, running

SECONDS = 60.0


class Signed(NamedTuple):
    """An authority, and what it signed for the server."""

    authority: Authority
    files: TlsFiles


@pytest.fixture
def signed(tmp_path: Path) -> Signed:
    authority = Authority(tmp_path / "ours", "ours")
    certificate, key = authority.files("127.0.0.1")
    return Signed(authority, TlsFiles(certificate, key, None, authority.file))


def trusting(authority: Authority, own: tuple[Path, Path] | None = None) -> ssl.SSLContext:
    """A client's context; `own`: its certificate and key."""
    context = ssl.create_default_context(cafile=authority.file)
    if own is not None:
        context.load_cert_chain(own[0], own[1])
    return context


@asynccontextmanager
async def serving(
    files: TlsFiles, *, demand: bool = False
) -> AsyncIterator[tuple[Running, ServerTls]]:
    member, tls = Member(1, {0: State(0)}), ServerTls(files, Metrics().reload_failed)
    app = application_of(member, checks=[demand_certificate] if demand else [])
    async with running(app, tls=tls) as served:
        member.table = {0: served.url}
        yield served, tls


async def status(url: str, context: ssl.SSLContext) -> int:
    timeout = aiohttp.ClientTimeout(total=SECONDS)
    async with (
        aiohttp.ClientSession(timeout=timeout) as session,
        session.get(url, ssl=context) as response,
    ):
        return response.status


async def test_who_trusts_the_authority_is_answered(signed: Signed, tmp_path: Path) -> None:
    stranger = Authority(tmp_path / "theirs", "theirs")
    async with serving(signed.files) as (served, tls):
        assert await status(f"{served.url}/v1/totals", trusting(signed.authority)) == 200
        with pytest.raises(aiohttp.ClientConnectorCertificateError):
            await status(f"{served.url}/v1/totals", trusting(stranger))
        assert tls.context.minimum_version is ssl.TLSVersion.TLSv1_2


async def test_what_speaks_no_tls_is_closed_and_not_logged(
    signed: Signed, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(connections, "HEAD_SECONDS", 0.3)
    async with serving(signed.files) as (served, _), AsyncExitStack() as stack:
        host, _, port = served.url.removeprefix("https://").partition(":")
        for said in (b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", b"\x16\x03\x01", b""):
            reader, writer = await asyncio.open_connection(host, int(port))
            stack.enter_context(closing(writer))
            writer.write(said)
            async with asyncio.timeout(SECONDS):
                assert b"HTTP" not in await reader.read()
        # The first is refused by its first bytes; the others never come to an end.
        assert served.closed(Why.SLOW_HEAD) == 2
        assert served.connections.counts() == (0, 0)
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []


async def test_a_demanded_certificate(signed: Signed, tmp_path: Path) -> None:
    stranger = Authority(tmp_path / "theirs", "theirs").files("client")
    files = signed.files._replace(client_ca=signed.authority.file)
    own = signed.authority.files("client")
    async with serving(files, demand=True) as (served, _):
        assert await status(f"{served.url}/v1/totals", trusting(signed.authority, own)) == 200
        assert await status(f"{served.url}/v1/totals", trusting(signed.authority)) == 403
        assert await status(f"{served.url}/openapi.json", trusting(signed.authority)) == 200
        with pytest.raises((aiohttp.ClientError, ConnectionError)):
            await status(f"{served.url}/openapi.json", trusting(signed.authority, stranger))


async def test_renewed_files_are_taken_and_broken_ones_are_not(
    signed: Signed, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    def look(tls: ServerTls) -> None:
        tls.look()
        tls.look()

    async with serving(signed.files) as (served, tls):
        signed.files.certificate.write_text("half a certif")
        look(tls)
        assert await status(served.url, trusting(signed.authority)) == 200
        look(tls)
        [said] = [record.getMessage() for record in caplog.records if record.levelno > logging.INFO]
        assert "tls_certificate_file" in said
        renewed = Authority(tmp_path / "renewed", "renewed")
        for new, old in zip(renewed.files("127.0.0.1"), signed.files, strict=False):
            assert old is not None
            shutil.copyfile(new, old)
        tls.look()
        assert await status(served.url, trusting(signed.authority)) == 200, "not settled yet"
        tls.look()
        assert await status(served.url, trusting(renewed)) == 200


async def test_files_are_looked_at_while_it_runs(
    signed: Signed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.web.tls.LOOK_SECONDS", 0.01)
    tls = ServerTls(signed.files, Metrics().reload_failed)
    first = tls.context
    watching = tls.watching(None)
    await anext(watching)
    signed.files.certificate.touch()

    async def taken() -> bool:
        return tls.context is not first

    await until(taken, SECONDS, "taken", 0.01)
    with pytest.raises(StopAsyncIteration):
        await anext(watching)


def given(signed: Signed, **changed: Path | str) -> Mapping[str, Path | str]:
    files = {
        "tls_certificate_file": signed.files.certificate,
        "tls_key_file": signed.files.key,
        "tls_ca_file": signed.authority.file,
    }
    return {name: value for name, value in (files | changed).items() if value != ""}


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"tls_key_file": ""}, "go together"),
        ({"tls_certificate_file": "", "tls_key_file": ""}, "tls_ca_file is given, but HTTP is not"),
        ({"tls_certificate_file": "/nowhere.pem"}, "tls_certificate_file /nowhere.pem cannot be"),
        ({"tls_ca_file": "/etc/hostname"}, "tls_ca_file /etc/hostname holds no certificates"),
        ({"tls_client_ca_file": "/nowhere.pem"}, "tls_client_ca_file /nowhere.pem cannot be"),
        ({"advertised_url": "http://here:1"}, "advertised_url http://here:1 is not https"),
    ],
)
def test_what_does_not_fit_is_one_line(signed: Signed, changed: dict[str, str], said: str) -> None:
    with pytest.raises(SettingError, match=said) as caught:
        load_worker_settings(**given(signed, **changed))
    assert "\n" not in str(caught.value)
    assert caught.value.exit_status == 2


def test_anothers_key_and_an_encrypted_one_are_refused(signed: Signed, tmp_path: Path) -> None:
    _, other = signed.authority.files("other")
    _, locked = signed.authority.files("locked", "canary-password")
    for key in (other, locked):
        with pytest.raises(SettingError, match="no certificate with its own key"):
            load_worker_settings(**given(signed, tls_key_file=key))
    assert load_worker_settings(**given(signed)).url == "https://127.0.0.1:6066"


def test_commands_that_serve_nothing_do_not_read_the_files(signed: Signed) -> None:
    assert load_settings(**given(signed, tls_certificate_file="/nowhere.pem")).tls is not None
