"""The image's health check against real servers on loopback."""

import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from tests.support.certificates import Authority
from tests.support.ports import held_port

SCRIPT = Path(__file__).resolve().parents[2] / "deploy" / "healthcheck.py"


@contextmanager
def serving(status: int, tls: tuple[Path, Path] | None = None) -> Iterator[int]:
    """A server whose /livez answers with this status (all else 404); gives its port.

    `tls`: its certificate and key.
    """

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status if self.path == "/livez" else 404)
            self.end_headers()

        def log_message(self, *args: object) -> None:
            """Stay silent."""

    with HTTPServer(("127.0.0.1", 0), Answer) as server:
        if tls is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(tls[0], tls[1])
            server.socket = context.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server.server_port
        server.shutdown()
        thread.join()


def check(
    port: int | str, host: str | None = None, certificate: Path | None = None
) -> subprocess.CompletedProcess[str]:
    environment = {"STREAMJOIN_WEB_PORT": str(port)}
    if certificate is not None:
        environment["STREAMJOIN_TLS_CERTIFICATE_FILE"] = str(certificate)
    if host is not None:
        environment["STREAMJOIN_WEB_HOST"] = host
    command = [sys.executable, "-I", "-S", str(SCRIPT)]
    return subprocess.run(command, env=environment, capture_output=True, text=True)


@pytest.mark.parametrize("host", [None, "0.0.0.0", "127.0.0.1"])
def test_a_living_worker_is_healthy(host: str | None) -> None:
    with serving(200) as port:
        assert check(port, host).returncode == 0


def test_one_that_speaks_tls_is_asked_so(tmp_path: Path) -> None:
    """Its certificate is for the name that others ask by."""
    files = Authority(tmp_path, "ours").files("worker-1.example")
    with serving(200, files) as port:
        assert check(port, certificate=files[0]).returncode == 0
        assert check(port).returncode == 1


def test_a_worker_that_says_no_is_not() -> None:
    with serving(503) as port:
        done = check(port)
    assert (done.returncode, done.stderr) == (1, "/livez answered 503\n")


def test_silence_is_not() -> None:
    with held_port() as port:
        done = check(port)
    assert done.returncode == 1
    assert done.stderr.startswith(f"no answer on port {port}: ")


def test_a_port_that_is_none_is_not() -> None:
    assert check("none").returncode == 1
