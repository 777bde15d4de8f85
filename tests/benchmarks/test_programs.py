"""The loader, the reader and the hand-written loop, on a real broker."""

import asyncio
from collections.abc import Callable

import pytest
from aiokafka import AIOKafkaProducer, TopicPartition

from benchmarks import kafka as on_kafka
from benchmarks.generate import Shape, generate
from benchmarks.joins import merged_share
from benchmarks.measure import RunFailedError
from benchmarks.suite import Options, run
from tests.support.kafka import Kafka


async def test_records_are_loaded_in_order_and_read_back(kafka: Kafka) -> None:
    data = generate(Shape.of(3_000))
    await on_kafka.create_topics(kafka.bootstrap, ["loaded"], 4, on_kafka.INPUT_CONFIGS)
    counts = await on_kafka.load(kafka.bootstrap, "loaded", data.click_records())
    assert counts == {k: v for k, v in data.ends(data.clicks).items() if v}
    read: dict[int, list[bytes]] = {}
    async for records in on_kafka.read_committed(kafka.bootstrap, "loaded"):
        for record in records:
            read.setdefault(record.partition, []).append(record.value)
    expected: dict[int, list[bytes]] = {}
    for partition, _, value in data.click_records():
        expected.setdefault(partition, []).append(value)
    assert read == expected


async def test_a_group_without_offsets_has_committed_nothing(kafka: Kafka) -> None:
    async with on_kafka.admin(kafka.bootstrap) as client:
        assert await on_kafka.committed(client, "nobody", {TopicPartition("none", 0): 5}) == 0


async def test_the_hand_written_loop_joins_as_the_contract_merges(
    options: Callable[..., Options],
) -> None:
    report = await run(options("bare", "shop"))
    (result,) = report.backlogs
    assert result.complete
    assert result.events == 6_000
    assert result.usage.exit_status == 0
    assert (result.joins.missing, result.joins.extra) == (0, 0)
    assert result.joins.share == merged_share(generate(Shape.of(6_000)), 1_000)
    assert result.joins.share == report.ceiling
    assert len(report.skipped) == 1


async def test_a_part_that_fails_is_noted_and_the_others_run(
    options: Callable[..., Options], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("benchmarks.worker.sys.executable", "/bin/false")
    report = await run(options("streamjoin", "shop"))
    assert report.failed == ["streamjoin: it ended early:"]
    assert not report.backlogs
    assert len(report.skipped) == 1


async def test_the_reader_waits_for_a_transaction_that_is_still_open(kafka: Kafka) -> None:
    await on_kafka.create_topics(kafka.bootstrap, ["open"], 2, on_kafka.OUTPUT_CONFIGS)
    producer = AIOKafkaProducer(bootstrap_servers=kafka.bootstrap, transactional_id="open")
    await producer.start()
    await producer.begin_transaction()
    for partition in range(2):
        await producer.send_and_wait("open", b"value", partition=partition)
    reading = asyncio.create_task(values_of(kafka.bootstrap, "open"))
    done, _ = await asyncio.wait({reading}, timeout=2)
    await producer.commit_transaction()
    await producer.stop()
    assert not done
    assert await reading == [b"value", b"value"]


async def test_a_transaction_that_stays_open_is_an_error(
    kafka: Kafka, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(on_kafka, "SETTLED_S", 0.5)
    await on_kafka.create_topics(kafka.bootstrap, ["stuck"], 1, on_kafka.OUTPUT_CONFIGS)
    producer = AIOKafkaProducer(bootstrap_servers=kafka.bootstrap, transactional_id="stuck")
    await producer.start()
    await producer.begin_transaction()
    await producer.send_and_wait("stuck", b"value", partition=0)
    with pytest.raises(RunFailedError, match="stuck"):
        await values_of(kafka.bootstrap, "stuck")
    await producer.abort_transaction()
    await producer.stop()


async def values_of(broker: str, topic: str) -> list[bytes]:
    return [r.value async for records in on_kafka.read_committed(broker, topic) for r in records]
