"""`streamjoin tail` and `lag --watch` as processes: they end when they are told to."""

import asyncio
import json
import signal

import pytest

from tests.operations.child import says, started
from tests.operations.running import NOBODY
from tests.support.command import streamjoin
from tests.support.kafka import Kafka
from tests.support.service import Message, Service

RECORDS: list[Message] = [
    ("clicks", 0, b"ann", b'{"page":"/\xc3\xa9"}', None),
    ("clicks", 0, None, b"\x1b[2J\xff\n", None),
    ("clicks", 0, b"ann", None, None),
]


async def test_all_there_is_and_what_comes(kafka: Kafka) -> None:
    service = await Service(kafka.bootstrap, 2).create()
    await service.send(RECORDS)
    with started(service, "tail", "clicks", "--from-beginning") as child:
        await says(child, b"\n", 3)
        await service.send([("clicks", 1, b"bob", b"{}", None)])
        await says(child, b"\n", 4)
        assert await child.ended(signal.SIGINT) == 130
        assert child.log == ""
        lines = [line.split("  ") for line in child.text.decode().splitlines()]
    shown = [[part.strip() for part in (line[0], *line[-2:])] for line in lines]
    assert shown == [
        ["0@0", "ann", '{"page":"/é"}'],
        ["0@1", "-", r"\x1b[2J\xff\n"],
        ["0@2", "ann", "-"],
        ["1@0", "bob", "{}"],
    ]


async def test_it_stops_where_it_is_told_to(kafka: Kafka) -> None:
    service = await Service(kafka.bootstrap, 1).create()
    await service.send(RECORDS)

    def tail(*flags: str) -> list[str]:
        done = streamjoin(service.environment, "tail", "clicks", *flags)
        assert (done.returncode, done.stderr) == (0, "")
        return done.stdout.splitlines()

    whole = await asyncio.to_thread(tail, "--from-beginning", "--until-end", "--json")
    assert [json.loads(line)["offset"] for line in whole] == [0, 1, 2]
    assert len(await asyncio.to_thread(tail, "--from-beginning", "-n", "2")) == 2
    assert await asyncio.to_thread(tail, "--until-end") == []


async def test_lag_is_watched(kafka: Kafka) -> None:
    service = await Service(kafka.bootstrap, 1).create()
    with started(service, "lag", "--watch", "--interval", "0.1") as child:
        await says(child, b"\nlag 0 records\n", 2)
        await service.send(RECORDS)
        await says(child, b"\nlag 3 records, the oldest has waited for ")
        assert await child.ended(signal.SIGINT) == 130
        assert child.log == ""


@pytest.mark.parametrize(
    ("arguments", "status", "says"),
    [
        (("nowhere",), 1, "topic nowhere does not exist"),
        (("clicks", "-n", "0"), 2, "--max-records 0: must be 1 or more"),
        (("clicks", "--broker", NOBODY), 1, "no Kafka broker answers"),
    ],
)
async def test_wrong_inputs_are_one_line(
    kafka: Kafka, arguments: tuple[str, ...], status: int, says: str
) -> None:
    done = await asyncio.to_thread(
        streamjoin, Service(kafka.bootstrap).environment, "tail", *arguments
    )
    assert (done.returncode, done.stdout) == (status, "")
    assert done.stderr.count("\n") == 1
    assert says in done.stderr
