"""The image's health check against real servers on loopback."""

import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from tests.support.ports import held_port

SCRIPT = Path(__file__).resolve().parents[2] / "deploy" / "healthcheck.py"


@contextmanager
def serving(status: int) -> Iterator[int]:
    """A server whose /livez answers with this status (all else 404); gives its port."""

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status if self.path == "/livez" else 404)
            self.end_headers()

        def log_message(self, *args: object) -> None:
            """Stay silent."""

    with HTTPServer(("127.0.0.1", 0), Answer) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server.server_port
        server.shutdown()
        thread.join()


def check(port: int | str, host: str | None = None) -> subprocess.CompletedProcess[str]:
    environment = {"STREAMJOIN_WEB_PORT": str(port)}
    if host is not None:
        environment["STREAMJOIN_WEB_HOST"] = host
    command = [sys.executable, "-I", "-S", str(SCRIPT)]
    return subprocess.run(command, env=environment, capture_output=True, text=True)


@pytest.mark.parametrize("host", [None, "0.0.0.0", "127.0.0.1"])
def test_a_living_worker_is_healthy(host: str | None) -> None:
    with serving(200) as port:
        assert check(port, host).returncode == 0


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
