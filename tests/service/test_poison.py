"""No record ends a worker, and none fills its memory, whatever lies behind its compression."""

import json
from pathlib import Path

import pytest

from benchmarks.measure import peak_memory_mb
from tests.oracle.compare_outputs import compare_outputs
from tests.oracle.model import Model
from tests.oracle.records import Position, Record
from tests.service import poison
from tests.service.poison import MIB, Poison
from tests.service.traffic import BASE, traffic
from tests.support.kafka import Kafka
from tests.support.service import Service, lines

MEMORY_MB = 512.0


async def judged(service: Service, sent: list[Poison], tmp_path: Path) -> list[Record]:
    """Run a worker over all that was sent; the dead letters, compared with the model."""
    with service.worker(tmp_path) as worker:
        await service.at_rest()
        peak = peak_memory_mb(worker.process.pid)
        assert await worker.terminate() == 0, worker.text
    assert 0 < peak < MEMORY_MB
    inputs, outputs = await service.inputs(), await service.outputs()
    large = {record.value for record in sent if record.reason == "too-large"}
    dead: dict[Position, str] = {r.position: "too-large" for r in inputs if r.value in large}
    assert len(dead) == len(large)
    differences = compare_outputs(Model(inputs, service.oracle, failing=dead).run(), outputs)
    assert not differences, lines(differences)
    return [r for r in outputs if r.topic == service.names["dead-letters"]]


async def test_records_that_are_large_inside_become_dead_letters_and_the_group_goes_on(
    kafka: Kafka, tmp_path: Path
) -> None:
    service = await Service(kafka.bootstrap, 1).create()
    sent = list(poison.poison(poison.SIZES))
    await service.send(traffic(11, 300, 1))
    await poison.send(kafka.bootstrap, service.names, iter(sent))
    await service.send(traffic(12, 300, 1))
    letters = await judged(service, sent, tmp_path)
    wanted = sorted(record.reason for record in sent if record.reason)
    found = sorted(
        str(letter.header("error.type")) for letter in letters if letter.header("value.size")
    )
    assert found == wanted


@pytest.mark.parametrize("guarantee", ["at_least_once", "at_most_once"])
async def test_it_is_so_under_every_guarantee(kafka: Kafka, tmp_path: Path, guarantee: str) -> None:
    service = await Service(kafka.bootstrap, 1, {"processing_guarantee": guarantee}).create()
    sent = list(poison.poison({"zstd": 2 * MIB}))
    await service.send(traffic(13, 300, 1))
    await poison.send(kafka.bootstrap, service.names, iter(sent))
    await service.send(traffic(14, 300, 1))
    await judged(service, sent, tmp_path)


async def test_a_backlog_of_large_records_does_not_fill_the_memory(
    kafka: Kafka, tmp_path: Path
) -> None:
    """Findings 2: 600 MB of valid clicks in 600 KB on the wire."""
    service = await Service(kafka.bootstrap, 2).create()
    page = "x" * 1_000_000
    async with poison.producer(kafka.bootstrap, "zstd") as producer:
        for number in range(300):
            user = f"u{number % 50}"
            value = json.dumps(
                {"user_id": user, "page": f"/{number}{page}", "timestamp": BASE + number}
            )
            for partition in range(2):
                await producer.send(
                    service.names["clicks"], value.encode(), user.encode(), partition=partition
                )
    with service.worker(tmp_path) as worker:
        await service.at_rest()
        peak = peak_memory_mb(worker.process.pid)
        assert await worker.terminate() == 0, worker.text
    assert 0 < peak < MEMORY_MB
    assert not await service.output("dead-letters")
