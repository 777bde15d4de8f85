import gzip
import json
import os

import pytest

from tests.producer.commands import GOOD, NOBODY, Command
from tests.producer.support import records_in
from tests.support.kafka import Kafka


async def test_replay_counts_bad_lines_and_ends_well(run: Command, kafka: Kafka) -> None:
    path = run.file("clicks.ndjson", GOOD, b"oops", GOOD)
    done = run("replay", path, "--compression", "zstd")
    assert done.returncode == 0
    assert done.stdout.startswith(b"2 records sent in ")
    assert done.stdout.endswith(b"1 bad lines\n")
    assert done.stderr.decode().startswith(f"{path}:2: not JSON")
    assert [record.value for record in await records_in(kafka.bootstrap, run.clicks)] == [GOOD] * 2


def test_replay_of_nothing_but_bad_lines_fails(run: Command) -> None:
    done = run("replay", run.file("clicks", b"oops"))
    assert (done.returncode, done.stdout[:14]) == (1, b"0 records sent")


def test_replay_of_a_truncated_file_says_so_and_fails(run: Command) -> None:
    packed = gzip.compress(b"\n".join([GOOD] * 50_000))
    path = run.file("clicks.gz", packed[: len(packed) // 2])
    done = run("replay", path)
    assert done.returncode == 1
    assert b"ends in the middle (truncated gzip)" in done.stderr
    assert not done.stdout.startswith(b"0 ")


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        (("clicks",), 1, "cannot read clicks: No such file or directory"),
        (("data",), 2, "give --topic"),
        (("data", "--topic", "sales"), 2, "--topic sales: must be one of clicks, purchases"),
        (("data", "--topic", "clicks", "--speed", "-1"), 2, "--speed -1.0: must be 0"),
        (("data", "--topic", "clicks", "--speed", "nan"), 2, "'nan' is not a number"),
        (("data", "--topic", "clicks", "--limit", "0"), 2, "--limit 0: must be 1 or more"),
        (("data", "--topic", "clicks", "--from", "noon"), 2, "--from noon: not a time"),
        (("data", "--topic", "clicks", "--broker", "x"), 2, "must be HOST:PORT"),
        (
            ("data", "--topic", "clicks", "--broker", NOBODY),
            1,
            f"no Kafka broker answers at {NOBODY}",
        ),
    ],
)
def test_replay_refuses_in_one_line_before_anything_is_sent(
    run: Command, arguments: tuple[str, ...], status: int, message: str
) -> None:
    run.file("data", GOOD)
    done = run("replay", *arguments)
    assert (done.returncode, done.stdout) == (status, b"")
    assert message in done.stderr.decode()
    assert done.stderr.count(b"\n") == 1


async def test_produce_from_flags_says_where_the_event_lies(run: Command, kafka: Kafka) -> None:
    flags = ("--user-id", "ann", "--page", "/x", "--amount", "2.50", "--value", "-3")
    done = run("produce", "clicks", *flags, "--timestamp", "2016-08-01T07:00:12Z")
    assert done.stdout.decode() == f"{run.clicks} partition 0 offset 0\n"
    assert (done.returncode, done.stderr) == (0, b"")
    (record,) = await records_in(kafka.bootstrap, run.clicks)
    assert record.key == b"ann"
    assert json.loads(record.value) == {
        "user_id": "ann",
        "page": "/x",
        "amount": 2.5,
        "value": -3,
        "timestamp": 1470034812.0,
    }


async def test_produce_from_standard_input_goes_on_after_a_bad_line(
    run: Command, kafka: Kafka
) -> None:
    done = run("produce", "clicks", "--json", stdin=GOOD + b"\noops\n\n{}\n" + GOOD)
    assert done.returncode == 1
    assert [json.loads(line) for line in done.stdout.splitlines()] == [
        {"topic": run.clicks, "partition": 0, "offset": offset} for offset in (0, 1)
    ]
    first, second, total = done.stderr.decode().splitlines()
    assert first.startswith("line 2: not JSON")
    assert second == "line 4: no user_id (a string) to key by"
    assert total == "2 bad lines were not sent"
    assert len(await records_in(kafka.bootstrap, run.clicks)) == 2


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        (("nowhere", "--user-id", "u"), 1, "topic nowhere does not exist"),
        (("clicks", "--page", "/"), 1, "no user_id"),
        (("clicks", "--user-id", "u", "--amount", "much"), 2, "--amount much: must be a number"),
        (("clicks", "--user-id", "u", "--broker", NOBODY), 1, "no Kafka broker answers"),
    ],
)
def test_produce_refuses_in_one_line(
    run: Command, arguments: tuple[str, ...], status: int, message: str
) -> None:
    done = run("produce", *arguments)
    assert (done.returncode, done.stdout) == (status, b"")
    assert message in done.stderr.decode()
    assert done.stderr.count(b"\n") == 1


@pytest.mark.parametrize(
    "flag", ["key", "user-id", "page", "product-id", "action", "session-id", "amount", "timestamp"]
)
def test_produce_names_the_flag_whose_bytes_are_no_text(run: Command, flag: str) -> None:
    given = ("--user-id", "u", "--page", "/", f"--{flag}", os.fsdecode(b"a\xff"))
    done = run("produce", "clicks", *given, stdin=GOOD)
    assert (done.returncode, done.stdout) == (2, b"")
    assert done.stderr.decode().startswith(f"streamjoin: --{flag} a\\udcff: ")
    assert done.stderr.count(b"\n") == 1


async def test_replay_goes_on_behind_a_line_without_a_possible_user_event(
    run: Command, kafka: Kafka
) -> None:
    odd = GOOD.replace(b"/", b"\xff")
    path = run.file("clicks.ndjson", GOOD, odd, GOOD)
    run("topics", "create", "--partitions", "1")
    done = run("replay", path, "--mirror-user-events")
    assert done.returncode == 0
    assert done.stdout.startswith(b"5 records sent in ")
    assert b"; 1 bad lines; 1 of the records sent will be dead letters: not-json 1" in done.stdout
    first, second = done.stderr.decode().splitlines()
    assert first.startswith(f"{path}:2: sent without its user event: 'utf-8'")
    assert second.startswith(f"{path}:2: sent, and will be a dead letter (not-json: ")
    values = [record.value for record in await records_in(kafka.bootstrap, run.clicks)]
    assert values == [GOOD, odd, GOOD]


def test_topics_create_lists_and_tells_differences(run: Command) -> None:
    done = run("topics", "create", "--partitions", "2")
    assert done.returncode == 1
    assert done.stderr.decode().startswith(f"{run.clicks} exists with 1 partitions, not 2\n")
    again = run("topics", "create", "--partitions", "2")
    assert b"created" not in again.stdout
    assert b"exists  %s-user-events\n" % run.clicks.encode() in again.stdout


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        (("--partitions", "0"), 2, "setting partitions"),
        (("--replication-factor", "0"), 2, "--replication-factor 0: must be 1 or more"),
        (("--broker", NOBODY), 1, "no Kafka broker answers"),
    ],
)
def test_topics_create_refuses_in_one_line(
    run: Command, arguments: tuple[str, ...], status: int, message: str
) -> None:
    done = run("topics", "create", *arguments)
    assert (done.returncode, done.stdout) == (status, b"")
    assert message in done.stderr.decode()
    assert done.stderr.count(b"\n") == 1
