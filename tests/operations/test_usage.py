"""A command that is not as it should be: one line that says so, and exit status 2."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import get_args, get_type_hints

import pytest
from typer.models import OptionInfo

from app.cli.commands import cli
from app.numbers import real, whole
from tests.support.command import streamjoin
from tests.support.worker import ROOT


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("worker", "--web-port", "soon"), "streamjoin worker: Invalid value for '--web-port'"),
        (("broker", "start", "--port", "x"), "streamjoin broker start: Invalid value for '--port'"),
        (("topics", "create", "--partitions", "x"), "'--partitions'"),
        (("lag", "--jsn"), "No such option: --jsn"),
        (("lags",), "streamjoin: No such command 'lags'"),
        (("replay",), "Missing argument"),
        (("lag", "--interval", "nan"), "'--interval': 'nan' is not a number"),
        (("topics", "create", "--partitions", "1_0"), "'1_0' is not a whole number"),
    ],
)
def test_a_wrong_flag_is_one_line(arguments: tuple[str, ...], says: str) -> None:
    done = streamjoin({}, *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.count("\n") == 1
    assert says in done.stderr
    assert "--help)" in done.stderr


@pytest.mark.parametrize("arguments", [(), ("topics",)])
def test_no_command_is_answered_with_the_list_of_them(arguments: tuple[str, ...]) -> None:
    done = streamjoin({}, *arguments)
    assert (done.returncode, done.stderr) == (2, "")
    assert "Usage: streamjoin" in done.stdout


@pytest.mark.parametrize(
    ("flag", "number"),
    [("--amount", "NaN"), ("--amount", "1_000"), ("--value", "-inf"), ("--value", "1e999"),
     ("--amount", "\u0663"), ("--timestamp", "nan"), ("--timestamp", "1_0")],
)  # fmt: skip
def test_a_number_that_json_does_not_have(flag: str, number: str) -> None:
    done = streamjoin({}, "produce", "purchases", "--user-id", "ann", flag, number)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"streamjoin: {flag} ")
    assert done.stderr.count("\n") == 1


def numeric_options() -> Iterator[tuple[str, OptionInfo]]:
    """Of every command, as COMMAND.FLAG."""
    groups = {"": cli, **{str(g.name): g.typer_instance for g in cli.registered_groups}}
    for group, of in groups.items():
        for command in of.registered_commands if of is not None else ():
            assert command.callback is not None
            for name, hint in get_type_hints(command.callback, include_extras=True).items():
                for option in getattr(hint, "__metadata__", ()):
                    if {int, float} & {hint.__origin__, *get_args(hint.__origin__)}:
                        yield f"{group} {command.name}.{name}", option


def test_every_numeric_option_is_read_alike() -> None:
    options = dict(numeric_options())
    assert len(options) > 12
    assert [name for name, o in options.items() if o.parser not in (whole, real)] == []


def test_output_that_cannot_be_written(tmp_path: Path) -> None:
    for arguments in (["broker", "status", "--dir", str(tmp_path)], ["--help"]):
        with Path("/dev/full").open("w") as full:
            done = subprocess.run(
                [sys.executable, "-m", "app.cli.main", *arguments],
                stdout=full, stderr=subprocess.PIPE, text=True, cwd=ROOT,
            )  # fmt: skip
        said = "streamjoin: standard output is not whole: it cannot be written (No space left"
        assert done.returncode == 1
        assert done.stderr.startswith(said)
        assert done.stderr.count("\n") == 1


def test_a_home_that_cannot_be_written(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.write_text("a file")
    given = {"HOME": str(home), "XDG_DATA_HOME": ""}
    for arguments, says in (
        (["broker", "start"], "name another with --dir"),
        (["demo"], "name another with --dir"),
        (["worker", "--broker", "127.0.0.1:1"], "name another with --data-dir"),
    ):
        done = streamjoin(given, *arguments)
        assert (done.returncode, done.stdout) == (1, "")
        assert says in done.stderr
        assert done.stderr.count("\n") == 1


def test_help_is_no_error() -> None:
    done = streamjoin({}, "topics", "create", "--help")
    assert (done.returncode, done.stderr) == (0, "")
    assert "Usage: streamjoin topics create" in done.stdout


@pytest.mark.parametrize("name", [".", "..", "my topic!", "x" * 250])
def test_a_topic_name_that_kafka_does_not_take_is_a_wrong_setting(name: str) -> None:
    done = streamjoin({"STREAMJOIN_TOPIC_CLICKS": name}, "lag", "--broker", "127.0.0.1:1")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("streamjoin: setting topic_clicks: ")
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("url", ["", "http://{hostname}:6066"])
def test_a_worker_that_others_cannot_forward_to_says_so(url: str, tmp_path: Path) -> None:
    given = {"WEB_HOST": "0.0.0.0", "API_KEY": "k" * 16, "DATA_DIR": str(tmp_path)}
    given |= {"ADVERTISED_URL": url} if url else {}
    environment = {f"STREAMJOIN_{name}": value for name, value in given.items()}
    done = streamjoin(environment, "worker", "--broker", "127.0.0.1:1")
    assert done.returncode == 1
    assert ("STREAMJOIN_ADVERTISED_URL" in done.stderr) is (url == "")
