"""A command that is not as it should be: one line that says so, and exit status 2."""

from pathlib import Path

import pytest

from tests.support.command import streamjoin


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("worker", "--web-port", "soon"), "streamjoin worker: Invalid value for '--web-port'"),
        (("broker", "start", "--port", "x"), "streamjoin broker start: Invalid value for '--port'"),
        (("topics", "create", "--partitions", "x"), "'--partitions'"),
        (("lag", "--jsn"), "No such option: --jsn"),
        (("lags",), "streamjoin: No such command 'lags'"),
        (("replay",), "Missing argument"),
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


def test_help_is_no_error() -> None:
    done = streamjoin({}, "topics", "create", "--help")
    assert (done.returncode, done.stderr) == (0, "")
    assert "Usage: streamjoin topics create" in done.stdout


@pytest.mark.parametrize("name", ["", ".", "..", "my topic!", "x" * 250])
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
