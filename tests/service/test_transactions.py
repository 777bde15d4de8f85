"""Aborted transactions upstream have no effect, and do not hold the group back."""

from pathlib import Path
from uuid import uuid4

from aiokafka import AIOKafkaProducer

from models.topics import Direction
from tests.oracle.compare_outputs import compare_outputs
from tests.oracle.model import Model
from tests.oracle.records import INPUTS
from tests.service.traffic import traffic
from tests.support.kafka import Kafka
from tests.support.service import Service, lines, send_in_batches
from tests.support.topics import committed, ends

PATIENT = {"transaction_timeout_ms": 600_000}
"""A transaction that its producer forgets is not what is tested."""


async def test_aborted_transactions_have_no_effect(kafka: Kafka, tmp_path: Path) -> None:
    """Committed and aborted transactions in turn, an aborted one last in every partition."""
    service = await Service(kafka.bootstrap, 2).create()
    messages = list(traffic(21, 1200, 2))
    pieces = [messages[at : at + 100] for at in range(0, 1200, 100)]
    with service.worker(tmp_path) as worker:
        async with AIOKafkaProducer(
            bootstrap_servers=service.bootstrap, transactional_id=f"upstream-{uuid4()}", **PATIENT
        ) as producer:
            for number, piece in enumerate(pieces):
                await producer.begin_transaction()
                await send_in_batches(producer, service.names, piece)
                if number % 2:
                    await producer.abort_transaction()
                else:
                    await producer.commit_transaction()
        await service.at_rest()
        assert await worker.terminate() == 0, worker.text
    inputs, outputs = await service.inputs(), await service.outputs()
    assert len(inputs) == 600
    expected = Model(inputs, service.oracle, enriched=outputs).run()
    differences = compare_outputs(expected, outputs)
    assert not differences, lines(differences)
    last = await ends(service.bootstrap, service.of(Direction.INPUT), 2)
    done = await committed(service.bootstrap, service.app_id)
    assert {place: done[place] for place in last} == last
    for topic in INPUTS:
        for number in range(2):
            place = service.names[topic], number
            there = [r.offset for r in inputs if (r.topic, r.partition) == place]
            assert max(there) < last[place] - 1, "the last records are not aborted ones"


async def test_a_transaction_still_open_is_waited_for(kafka: Kafka, tmp_path: Path) -> None:
    """Nothing behind an open transaction is taken; once it is aborted, all of it is.

    In which order, only the outputs tell: the abort reaches each partition in its own time, and
    clicks that can be read do not wait for purchases that cannot yet.
    """
    service = await Service(kafka.bootstrap, 1).create()
    messages = list(traffic(22, 300, 1))
    async with AIOKafkaProducer(
        bootstrap_servers=service.bootstrap, transactional_id=f"upstream-{uuid4()}", **PATIENT
    ) as producer:
        await producer.begin_transaction()
        await send_in_batches(producer, service.names, messages[:100])
        await service.send(messages[100:])
        with service.worker(tmp_path) as worker:
            await service.at_rest()
            assert await service.outputs() == []
            await producer.abort_transaction()
            await service.at_rest()
            assert await worker.terminate() == 0, worker.text
    inputs, outputs = await service.inputs(), await service.outputs()
    assert len(inputs) == 200
    expected = Model(inputs, service.oracle, enriched=outputs).run()
    differences = compare_outputs(expected, outputs)
    assert not differences, lines(differences)
