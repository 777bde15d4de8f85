"""What `streamjoin export` writes, and where it goes on."""

import base64
import json
import os
from pathlib import Path
from uuid import uuid4

import pytest
from aiokafka import AIOKafkaProducer

from tests.consumer.exporting import every, export, has_lines, places, running
from tests.consumer.making import committed_is, filled, new_group, write
from tests.producer.support import new_topic
from tests.support.kafka import Kafka
from tests.support.topics import committed


async def test_each_kind_of_record_is_one_line_of_json(kafka: Kafka) -> None:
    topic = await new_topic(kafka.bootstrap, 1)
    values = [b'{"a": 1.10}', b"[1,\r\n 2]", b"{", b"\xff\x00", None, b'"\n"', b"1e999", b'"x"']
    async with AIOKafkaProducer(bootstrap_servers=kafka.bootstrap) as producer:
        for value in values:
            headers = [("h", b"text"), ("h", b"\xfe")] if value == values[0] else []
            key = b"\xfd" if value is None else "käse".encode()
            await producer.send_and_wait(
                topic, value, key, partition=0, timestamp_ms=1470034812345, headers=headers
            )
    done = export(kafka, topic)
    assert (done.returncode, done.stderr) == (0, b"")
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert lines[0] == {
        "topic": topic,
        "partition": 0,
        "offset": 0,
        "timestamp": "2016-08-01T07:00:12.345Z",
        "key": "käse",
        "value": {"a": 1.1},
        "headers": [
            {"name": "h", "value": "text"},
            {"name": "h", "value": base64.b64encode(b"\xfe").decode(), "encoding": "base64"},
        ],
    }
    assert b'"value":{"a": 1.10}' in done.stdout
    assert [line["value"] for line in lines if "value_encoding" not in line] == [
        {"a": 1.1}, [1, 2], None, "x",
    ]  # fmt: skip
    packed = [base64.b64decode(line["value"]) for line in lines if "value_encoding" in line]
    assert packed == [b"{", b"\xff\x00", b'"\n"', b"1e999"]
    assert (lines[4]["key"], lines[4]["key_encoding"]) == ("/Q==", "base64")


async def test_a_second_run_appends_what_is_new(kafka: Kafka, tmp_path: Path) -> None:
    topic, path = await filled(kafka.bootstrap, 2, 50), tmp_path / "out"
    for each in (50, 100):
        done = export(kafka, topic, "--output", path)
        assert (done.returncode, done.stdout) == (0, b"")
        assert done.stderr.decode() == f"100 records exported to {path}\n"
        assert sorted(places(path.read_bytes())) == every(2, each)
        await write(kafka.bootstrap, topic, {p: [b"{}"] * 50 for p in range(2)})


@pytest.mark.parametrize("grouped", [True, False])
async def test_after_kill_9_the_file_has_each_record_once(
    kafka: Kafka, tmp_path: Path, grouped: bool
) -> None:
    """Killed while it writes, again and again, with the last line cut each time."""
    topic, path, group = await filled(kafka.bootstrap, 3, 0), tmp_path / "out", new_group()
    more = ("--group", group) if grouped else ()
    for round_ in range(4):
        await write(kafka.bootstrap, topic, {p: [b'{"n":1}'] * 3000 for p in range(3)})
        with running(kafka, topic, "--output", path, "--follow", *more) as child:
            await has_lines(path, child, round_ * 9000 + 1)
            child.kill()
        data = path.read_bytes()
        os.truncate(path, len(data) - 7)
    assert export(kafka, topic, "--output", path, *more).returncode == 0
    found = places(path.read_bytes())
    assert sorted(found) == every(3, 12_000)
    for partition in range(3):
        offsets = [o for p, o in found if p == partition]
        assert offsets == sorted(offsets)
    if grouped:
        await committed_is(kafka.bootstrap, group, topic, dict.fromkeys(range(3), 12_000))


async def test_the_file_decides_where_the_group_says_otherwise(
    kafka: Kafka, tmp_path: Path
) -> None:
    """The group is ahead of a cut file, and behind one whose commit was lost."""
    topic, path, group = await filled(kafka.bootstrap, 1, 20), tmp_path / "out", new_group()
    more = ("--output", path, "--group", group)
    assert export(kafka, topic, *more).returncode == 0
    assert await committed(kafka.bootstrap, group) == {(topic, 0): 20}
    whole = path.read_bytes()
    path.write_bytes(b"".join(whole.splitlines(keepends=True)[:11])[:-3])
    assert export(kafka, topic, *more).returncode == 0
    assert path.read_bytes() == whole
    other = new_group()
    assert export(kafka, topic, "--output", path, "--group", other).returncode == 0
    assert path.read_bytes() == whole
    assert await committed(kafka.bootstrap, other) == {(topic, 0): 20}


async def test_on_stdout_the_group_says_where_to_go_on(kafka: Kafka) -> None:
    topic, group = await filled(kafka.bootstrap, 1, 10), new_group()
    first = export(kafka, topic, "--group", group, "--max-records", "4")
    second = export(kafka, topic, "--group", group)
    third = export(kafka, topic, "--group", group)
    assert places(first.stdout) == every(1, 10)[:4]
    assert places(second.stdout) == every(1, 10)[4:]
    assert (third.returncode, third.stdout) == (0, b"")
    assert places(export(kafka, topic).stdout) == every(1, 10)


async def test_from_latest_leaves_out_what_is_there(kafka: Kafka) -> None:
    topic, group = await filled(kafka.bootstrap, 1, 10), new_group()
    more = ("--group", group, "--from", "latest")
    assert export(kafka, topic, *more).stdout == b""
    await write(kafka.bootstrap, topic, {0: [b"1", b"2"]})
    assert places(export(kafka, topic, *more).stdout) == [(0, 10), (0, 11)]


async def test_records_of_aborted_transactions_are_left_out(kafka: Kafka) -> None:
    """The last ones are aborted, so the end is a marker."""
    topic = await new_topic(kafka.bootstrap, 1)
    async with AIOKafkaProducer(
        bootstrap_servers=kafka.bootstrap, transactional_id=f"x-{uuid4()}"
    ) as producer:
        for number in range(4):
            await producer.begin_transaction()
            await producer.send_and_wait(topic, b"%d" % number, partition=0)
            if number % 2:
                await producer.abort_transaction()
            else:
                await producer.commit_transaction()
    done = export(kafka, topic)
    assert [json.loads(line)["value"] for line in done.stdout.splitlines()] == [0, 2]
