"""What `produce` and `replay` read that is not as it should be."""

import pytest

from tests.producer.commands import GOOD, Command
from tests.producer.support import records_in
from tests.support.kafka import Kafka


async def test_produce_holds_no_line_that_is_too_long(run: Command, kafka: Kafka) -> None:
    done = run("produce", "clicks", stdin=b"x" * 60_000_000 + b"\n" + GOOD + b"\n")
    assert done.returncode == 1
    assert done.stderr.decode().splitlines() == [
        "line 1: longer than 16 MiB",
        "1 bad lines were not sent",
    ]
    assert [record.value for record in await records_in(kafka.bootstrap, run.clicks)] == [GOOD]


@pytest.mark.parametrize("end", [b"", b"\n"])
async def test_a_byte_order_mark_is_dropped(run: Command, kafka: Kafka, end: bytes) -> None:
    text = b"\xef\xbb\xbf" + GOOD + end
    assert run("produce", "clicks", stdin=text).returncode == 0
    assert run("replay", run.file("clicks.ndjson", text)).returncode == 0
    values = [record.value for record in await records_in(kafka.bootstrap, run.clicks)]
    assert values == [GOOD, GOOD]


def test_utf_16_is_named_once(run: Command) -> None:
    text = (GOOD.decode() + "\r\n").encode("utf-16") * 3
    path = run.file("clicks.ndjson", text)
    for done in (run("produce", "clicks", stdin=text), run("replay", path)):
        assert (done.returncode, done.stdout) == (1, b"")
        assert b"is UTF-16, as PowerShell's > writes it: write it as UTF-8" in done.stderr
        assert done.stderr.count(b"\n") == 1


def test_replay_says_what_the_service_will_refuse(run: Command) -> None:
    other = {
        "ISO": GOOD.replace(b'"timestamp":1', b'"timestamp":"2016-08-01T07:00:12Z"'),
        "microseconds": GOOD.replace(b'"timestamp":1', b'"timestamp":1470034812000000'),
        "no page": b'{"user_id":"u","timestamp":1}',
    }
    path = run.file("clicks.ndjson", GOOD, *other.values(), *other.values())
    done = run("replay", path)
    assert done.returncode == 0
    assert done.stdout.startswith(b"7 records sent in ")
    assert done.stdout.endswith(
        b"; 0 bad lines; 6 of the records sent will be dead letters: future 2, missing-field 2, "
        b"wrong-type 2\n"
    )
    said = done.stderr.decode().splitlines()
    assert [line.split(" (")[0] for line in said] == [
        f"{path}:{number}: sent, and will be a dead letter" for number in (2, 3, 4)
    ]


def test_replay_judges_amounts_and_user_events_too(run: Command) -> None:
    run("topics", "create", "--partitions", "1")
    sale = b'{"user_id":"u","product_id":"p","amount":"19.99","timestamp":1}'
    huge = sale.replace(b'"19.99"', b"1e300")
    path = run.file("purchases.ndjson", sale, huge, huge.replace(b"1e300", b"5"))
    done = run("replay", path, "--mirror-user-events")
    assert done.stdout.endswith(b": out-of-range 2, wrong-type 1\n")
