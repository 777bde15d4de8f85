"""How a demo ends when it is stopped early, when something is missing, and by itself."""

import os
import signal
import socket
from pathlib import Path

import pytest

from tests.demo.running import SECONDS, Demo, processes_of


def nothing_left(demo: Demo) -> bool:
    return not processes_of(demo.base) and not demo.run_folders


def test_once_ends_by_itself(tmp_path: Path) -> None:
    with Demo(tmp_path / "base", "--once") as demo:
        assert demo.process.wait(SECONDS) == 0, demo.text
        assert "busiest 5 minutes" in demo.text
        assert nothing_left(demo)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_while_kafka_starts(tmp_path: Path, number: signal.Signals) -> None:
    with Demo(tmp_path / "base") as demo:
        demo.until_said("starting Kafka")
        assert demo.stop(number) == 0
        assert "Kafka 4" not in demo.text
        assert "Traceback" not in demo.text
        assert nothing_left(demo)


def test_a_port_that_was_asked_for_is_taken(tmp_path: Path) -> None:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        port = holder.getsockname()[1]
        for flag in ("--web-port", "--broker-port"):
            with Demo(tmp_path / "base", flag, str(port)) as demo:
                assert demo.process.wait(SECONDS) == 1
                last = demo.text.splitlines()[-1]
                assert last.startswith(f"streamjoin: port {port} is taken by ")
                assert f"(pid {os.getpid()})" in last
                assert not processes_of(demo.base)


def test_a_worker_that_ends_is_told_with_its_log(tmp_path: Path) -> None:
    base = tmp_path / "base"
    with Demo(base) as demo:
        demo.until_said("starting Kafka")
        [worker] = [pid for name, pid in processes_of(base).items() if "app.demo.child" in name]
        os.kill(worker, signal.SIGKILL)
        assert demo.process.wait(SECONDS) == 1
        [folder] = demo.run_folders
        log = folder / "worker.log"
        assert f"the worker has ended (signal 9); its log is {log}" in demo.text
        assert log.exists()
        assert not processes_of(base)
    with Demo(base) as after:
        after.until_said("starting Kafka")
        assert folder not in after.run_folders
        assert after.stop(signal.SIGINT) == 0
        assert nothing_left(after)
