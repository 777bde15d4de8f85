"""Settings from the environment and from .env: what is empty, and what no setting is called."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from app.settings import Settings, load_settings
from app.unknown_variables import unknown_variables
from tests.support.worker import ROOT


@pytest.fixture(autouse=True)
def alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith("STREAMJOIN_")]:
        monkeypatch.delenv(name)


@pytest.mark.parametrize("name", Settings.model_fields)
def test_an_empty_variable_is_not_set(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    usual = load_settings()
    monkeypatch.setenv(f"STREAMJOIN_{name.upper()}", "")
    assert load_settings() == usual
    Path(".env").write_text(f"STREAMJOIN_{name.upper()}=\n")
    monkeypatch.delenv(f"STREAMJOIN_{name.upper()}")
    assert load_settings() == usual


def test_a_byte_order_mark_in_the_file_hides_no_setting() -> None:
    Path(".env").write_bytes(b"\xef\xbb\xbfSTREAMJOIN_GRACE=5s\n")
    assert load_settings().grace == 5_000
    assert not list(unknown_variables())


@pytest.mark.parametrize(
    ("variable", "says"),
    [
        ("STREAMJOIN_GRASE", "did you mean STREAMJOIN_GRACE?"),
        ("streamjoin_grase", "did you mean STREAMJOIN_GRACE?"),
        ("STREAMJOIN_BROKERS", "did you mean STREAMJOIN_BROKER?"),
        ("STREAMJOIN_ZZZ", "no setting is called STREAMJOIN_ZZZ, it changes nothing"),
    ],
)
def test_what_no_setting_is_called(
    variable: str, says: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    Path(".env").write_text(f"{variable}=5\n")
    [from_file] = unknown_variables()
    Path(".env").unlink()
    monkeypatch.setenv(variable, "5")
    assert [from_file] == list(unknown_variables())
    assert from_file.endswith(says)


@pytest.mark.parametrize(
    "variable",
    [
        "STREAMJOIN_GRACE=5",
        "streamjoin_grace=5",
        "STREAMJOIN_FAILPOINT=",
        "STREAMJOIN_CHROMIUM=/usr/bin/chromium",
        "STREAMJOIN_SERVICE_HOST=10.0.0.1",
        "STREAMJOIN_SERVICE_PORT_HTTP=80",
        "STREAMJOIN_WORKERS_SERVICE_PORT=6066",
        "STREAMJOIN_PORT=tcp://10.0.0.1:80",
        "STREAMJOIN_PORT_80_TCP_ADDR=10.0.0.1",
        "KAFKA_GRASE=5",
    ],
)
def test_what_is_known_or_anothers(variable: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(*variable.split("=", 1))
    assert not list(unknown_variables())


def test_it_is_a_warning_and_no_more() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "app.cli.main", "broker", "status", "--dir", "none"],
        env={**os.environ, "PYTHONPATH": str(ROOT), "STREAMJOIN_GRASE": "5"},
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stdout.splitlines()[0]) == (0, "stopped")
    assert done.stderr == (
        "streamjoin: warning: no setting is called STREAMJOIN_GRASE, it changes nothing; "
        "did you mean STREAMJOIN_GRACE?\n"
    )
