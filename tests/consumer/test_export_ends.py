"""How `streamjoin export` ends: told to, left by its reader, or unable to begin."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from app.consumer.sinks import ExportFile
from tests.consumer.exporting import arguments, export, has_lines, places, running, started
from tests.consumer.making import LONG, Child, filled, new_group
from tests.support.kafka import Kafka
from tests.support.signals import held_back, silent_broker
from tests.support.topics import committed, until

NOBODY = "127.0.0.1:1"
ENDS = [(signal.SIGTERM, 0), (signal.SIGHUP, 0), (signal.SIGINT, 130)]


@pytest.mark.parametrize(("number", "status"), ENDS)
async def test_a_signal_ends_it_with_all_that_was_written_committed(
    kafka: Kafka, tmp_path: Path, number: signal.Signals, status: int
) -> None:
    topic, path, group = await filled(kafka.bootstrap, 2, 700), tmp_path / "out", new_group()
    with running(kafka, topic, "--output", path, "--group", group, "--follow") as child:
        await has_lines(path, child, 700)
        assert await child.ended(number) == status, child.log
    found = places(path.read_bytes())
    ends = {(topic, p): 1 + max((o for q, o in found if q == p), default=-1) for p in range(2)}
    assert await committed(kafka.bootstrap, group) == ends


@pytest.mark.parametrize("command", ["export", "tail"])
@pytest.mark.parametrize(("number", "status"), ENDS)
async def test_a_signal_before_it_is_connected(
    command: str, number: signal.Signals, status: int
) -> None:
    """Before Python runs, and while the broker is silent."""
    with silent_broker() as (address, server):
        arguments = [sys.executable, "-m", "app.cli.main", command, "a", "--broker", address]
        with held_back():
            early = Child(arguments)
        late = Child(arguments)
        try:
            assert await early.ended(number) == status
            connection, _ = await asyncio.to_thread(server.accept)
            with connection:
                assert await late.ended(number) == status
            assert (early.text, early.log, late.text, late.log) == (b"", "", b"", "")
        finally:
            early.close()
            late.close()


async def test_a_closed_pipe_ends_it_quietly(kafka: Kafka) -> None:
    topic = await filled(kafka.bootstrap, 1, 5000)
    process = started(arguments(kafka, topic), subprocess.PIPE)
    assert process.stdout is not None
    assert json.loads(process.stdout.readline())["offset"] == 0
    process.stdout.close()
    _, errors = process.communicate(timeout=LONG)
    assert (process.returncode, errors) == (0, b"")


async def test_a_reader_that_stands_still_does_not_hold_up_the_end(kafka: Kafka) -> None:
    topic, group = await filled(kafka.bootstrap, 1, 9000), new_group()
    reader, writer = os.pipe()
    process = started(arguments(kafka, topic, "--group", group), writer)
    os.close(writer)

    async def joined() -> bool:
        return await committed(kafka.bootstrap, group) != {}

    await until(joined, LONG, "begun")
    process.send_signal(signal.SIGTERM)
    _, errors = process.communicate(timeout=LONG)
    os.close(reader)
    assert process.returncode in (0, 1)
    assert errors.count(b"\n") == process.returncode
    assert (await committed(kafka.bootstrap, group))[topic, 0] < 9000


async def test_what_cannot_be_done_is_one_line(kafka: Kafka, tmp_path: Path) -> None:
    topic, taken = await filled(kafka.bootstrap, 1, 1), tmp_path / "taken"
    foreign = tmp_path / "foreign"
    foreign.write_text('{"some": "thing"}\n')
    cases: list[tuple[tuple[str | Path, ...], int, str]] = [
        (("nowhere",), 1, "topic nowhere does not exist"),
        ((topic, "--broker", NOBODY), 1, f"no Kafka broker answers at {NOBODY}"),
        ((topic, "--output", tmp_path / "no" / "out"), 1, "No such file or directory"),
        ((topic, "--output", tmp_path), 1, "Is a directory"),
        ((topic, "--output", foreign), 1, "foreign line 1 is not of an export of"),
        ((topic, "--output", "/dev/full"), 1, "cannot write /dev/full: No space left"),
        ((topic, "--output", taken), 1, f"another export is writing to {taken}"),
        ((topic, "--max-records", "0"), 2, "--max-records 0: must be 1 or more"),
        ((topic, "--group", ""), 2, "--group is empty"),
    ]
    with running(kafka, topic, "--output", taken, "--follow") as child:
        await has_lines(taken, child, 1)
        for given, status, message in cases:
            done = export(kafka, str(given[0]), *given[1:])
            assert (done.returncode, done.stdout) == (status, b""), given
            assert message in done.stderr.decode()
            assert done.stderr.count(b"\n") == 1, done.stderr
        assert await child.ended(signal.SIGTERM) == 0
    assert foreign.read_text() == '{"some": "thing"}\n'


@pytest.mark.parametrize("before", [0, 2])
async def test_a_last_line_without_an_end_is_cut_off_only_where_it_is_one_of_these(
    kafka: Kafka, tmp_path: Path, before: int
) -> None:
    topic, path = await filled(kafka.bootstrap, 1, 3), tmp_path / "out"
    assert export(kafka, topic, "--output", path).returncode == 0
    whole = path.read_bytes()
    lines = whole.splitlines(keepends=True)
    kept = b"".join(lines[:before])
    for tail in (
        b"all my notes",
        b"{}",
        b"\0\0\0",
        lines[2].replace(topic.encode(), b"t")[:-1],
        json.dumps(json.loads(lines[2])).encode(),
    ):
        path.write_bytes(kept + tail)
        done = export(kafka, topic, "--output", path)
        assert (done.returncode, done.stdout) == (1, b"")
        says = f"streamjoin: {path} line {before + 1} is not of an export of {topic}: give another"
        assert done.stderr.decode().startswith(says), tail
        assert done.stderr.count(b"\n") == 1, done.stderr
        assert path.read_bytes() == kept + tail
    for length in range(1, len(lines[2])):
        path.write_bytes(kept + lines[2][:length])
        with ExportFile(path, topic) as file:
            assert file.held == ({0: before} if before else {})
        assert path.read_bytes() == kept
    path.write_bytes(kept + lines[2][:-1])
    assert export(kafka, topic, "--output", path).returncode == 0
    assert path.read_bytes() == whole
