"""The jars: fetched whole or not at all, checked against the committed list."""

import hashlib
import os
import re
import shutil
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from app.broker import EmbeddedBroker, default_cache
from app.broker.download import fetch
from app.broker.jars import Jar, ensure_jars, listed_jars
from app.errors import UserError
from tests.support.kafka import Kafka

CONTENT = bytes(range(256)) * 1000
PATH = "/org/example/thing/1.0/thing-1.0.jar"
JAR = Jar("org.example", "thing", "1.0", len(CONTENT), hashlib.sha512(CONTENT).hexdigest())


class Repository(ThreadingHTTPServer):
    """A Maven repository on loopback with files in memory; notes the ranges asked for."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.files: dict[str, bytes] = {}
        self.ranges: list[str | None] = []


class Handler(BaseHTTPRequestHandler):
    server: Repository

    def do_GET(self) -> None:
        asked = self.headers.get("Range")
        self.server.ranges.append(asked)
        content = self.server.files.get(self.path)
        if content is None:
            self.send_error(404)
            return
        match = re.fullmatch(r"bytes=(\d+)-", asked or "")
        body = content[int(match[1]) :] if match else content
        self.send_response(206 if match else 200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
        pass


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Repository]:
    """A repository that jgo's configuration names; the default one cannot be reached."""
    server = Repository()
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    settings = tmp_path / "jgo.conf"
    address = f"http://127.0.0.1:{server.server_port}"
    settings.write_text(f"[repositories]\nlocal = {address}\n")
    monkeypatch.setenv("JGO_CONFIG_FILE", str(settings))
    no_network(monkeypatch)
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("https_proxy", "HTTPS_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")


def test_a_jar_is_fetched_from_the_repository_set(repository: Repository, tmp_path: Path) -> None:
    repository.files[PATH] = CONTENT
    fetch([JAR], tmp_path, show_progress=False)
    assert (tmp_path / JAR.name).read_bytes() == CONTENT
    assert not list(tmp_path.glob("*.part"))


def test_a_download_goes_on_where_it_broke_off(repository: Repository, tmp_path: Path) -> None:
    repository.files[PATH] = CONTENT
    (tmp_path / f"{JAR.name}.part").write_bytes(CONTENT[:1000])
    fetch([JAR], tmp_path, show_progress=False)
    assert repository.ranges == ["bytes=1000-"]
    assert (tmp_path / JAR.name).read_bytes() == CONTENT


def test_other_bytes_than_the_lists_are_not_kept(repository: Repository, tmp_path: Path) -> None:
    repository.files[PATH] = CONTENT[:-1] + b"!"
    with pytest.raises(UserError, match=r"wrong checksum: what arrived as thing-1\.0\.jar"):
        fetch([JAR], tmp_path, show_progress=False)
    assert not list(tmp_path.glob("*jar*"))


def test_first_start_without_network_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    no_network(monkeypatch)
    broker = EmbeddedBroker(tmp_path / "broker", cache=tmp_path / "cache")
    with pytest.raises(UserError, match=r"no network.*first start.*start it again"):
        broker.start()
    assert not broker.status().running
    assert not list((tmp_path / "cache").glob("*.jar"))


@pytest.mark.usefixtures("kafka")
def test_a_jar_that_was_changed_is_named(tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    shutil.copytree(default_cache(), cache, copy_function=link)
    ensure_jars(cache, show_progress=False)
    victim = cache / listed_jars()[5].name
    content = bytearray(victim.read_bytes())
    content[len(content) // 2] ^= 1
    victim.unlink()
    victim.write_bytes(content)

    with pytest.raises(UserError, match=f"wrong checksum: {victim} .* delete that file"):
        EmbeddedBroker(tmp_path / "broker", cache=cache).start()


def link(source: str, target: str) -> None:
    """Share the file: the caller replaces it rather than write to it."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)


def test_every_jar_of_the_list_is_checked_and_kept(kafka: Kafka) -> None:
    assert kafka.broker.status().running
    jars = listed_jars()
    assert len({jar.name for jar in jars}) == len(jars) > 40
    for jar in jars:
        digest = hashlib.sha512((default_cache() / jar.name).read_bytes()).hexdigest()
        assert digest == jar.sha512, jar.name
