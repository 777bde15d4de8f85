import asyncio
import json
import socket
from collections import defaultdict

import pytest

from app.producer import (
    BadEventError,
    BrokerUnreachableError,
    Compression,
    Event,
    EventProducer,
    PartitionerRefusedError,
    RefusedError,
    Sent,
    TopicMissingError,
    by_key,
    round_robin,
)
from app.producer.errors import ProduceError
from tests.producer.support import new_topic, patient, records_in
from tests.support.kafka import Kafka
from tests.support.ports import held_port


@pytest.mark.parametrize("compression", ["none", "gzip", "lz4", "zstd"])
async def test_each_key_keeps_its_order_in_its_partition(
    kafka: Kafka, compression: Compression
) -> None:
    topic = await new_topic(kafka.bootstrap)
    events = [{"user_id": f"ü{n % 97}", "n": n, "timestamp": n} for n in range(20_000)]
    async with patient(kafka.bootstrap, compression=compression) as producer:
        result = await producer.send_batch(topic, events)
    assert (result.sent, result.bad) == (20_000, [])
    by_user = defaultdict(list)
    for record in await records_in(kafka.bootstrap, topic):
        event = json.loads(record.value)
        assert record.key == event["user_id"].encode()
        assert record.partition == by_key(record.key, 4)
        by_user[event["user_id"]].append(event["n"])
    assert by_user == {f"ü{u}": list(range(u, 20_000, 97)) for u in range(97)}
    assert sum(last - first + 1 for first, last in result.offsets.values()) == 20_000


async def test_send_says_where_the_record_lies(kafka: Kafka) -> None:
    topic = await new_topic(kafka.bootstrap)
    async with patient(kafka.bootstrap) as producer:
        sent = [
            await producer.send(topic, {"user_id": "ann", "n": n}, timestamp_ms=1_000 + n)
            for n in range(3)
        ]
        other = await producer.send(topic, b'{"user_id":"ann","timestamp":1}', key="bob")
    place = by_key(b"ann", 4)
    assert sent == [Sent(topic, place, offset) for offset in range(3)]
    records = await records_in(kafka.bootstrap, topic)
    stamps = [record.timestamp for record in records if record.key == b"ann"]
    assert stamps == [1_000, 1_001, 1_002]
    kept = next(record for record in records if record.key == b"bob")
    assert (kept.partition, kept.offset) == (other.partition, other.offset)
    assert kept.value == b'{"user_id":"ann","timestamp":1}'


async def test_a_missing_timestamp_is_now_and_one_that_is_there_stays(kafka: Kafka) -> None:
    topic = await new_topic(kafka.bootstrap, 1)
    async with patient(kafka.bootstrap, now=lambda: 1234.56789) as producer:
        await producer.send(topic, {"user_id": "u"})
        await producer.send(topic, b'{"user_id":"u"}')
        await producer.send(topic, {"user_id": "u", "timestamp": None})
    values = [json.loads(record.value) for record in await records_in(kafka.bootstrap, topic)]
    assert [value["timestamp"] for value in values] == [1234.568, 1234.568, None]


async def test_closing_sends_what_is_buffered(kafka: Kafka) -> None:
    topic = await new_topic(kafka.bootstrap)
    producer = patient(kafka.bootstrap)
    await producer.start()
    for n in range(100):
        await producer.put(topic, {"user_id": f"u{n}"})
    assert await records_in(kafka.bootstrap, topic) == []
    await producer.close()
    assert len(await records_in(kafka.bootstrap, topic)) == 100
    with pytest.raises(ProduceError, match="already closed"):
        await producer.send(topic, {"user_id": "u"})


async def test_send_comes_behind_what_is_buffered(kafka: Kafka) -> None:
    topic = await new_topic(kafka.bootstrap)
    async with patient(kafka.bootstrap) as producer:
        for n in range(5):
            await producer.put(topic, {"user_id": "u", "n": n})
        assert (await producer.send(topic, {"user_id": "u", "n": 5})).offset == 5
    values = [json.loads(record.value)["n"] for record in await records_in(kafka.bootstrap, topic)]
    assert values == list(range(6))


async def test_bad_events_of_a_batch_are_listed_and_the_rest_is_sent(kafka: Kafka) -> None:
    topic = await new_topic(kafka.bootstrap)
    large = {"user_id": "b", "v": "x" * 2_000_000}
    events: list[Event] = [{"user_id": "a"}, {"page": "/"}, b"oops", large, {"user_id": "c"}]
    async with patient(kafka.bootstrap) as producer:
        result = await producer.send_batch(topic, events)
    assert result.sent == 2
    assert [index for index, _ in result.bad] == [1, 2, 3]
    assert "no user_id" in result.bad[0][1]
    assert "not JSON" in result.bad[1][1]
    assert "at most" in result.bad[2][1]


async def test_a_closed_port_is_one_clear_error() -> None:
    with held_port() as port:
        address = f"127.0.0.1:{port}"
        with pytest.raises(BrokerUnreachableError, match=f"no Kafka broker answers at {address}"):
            await EventProducer(address).start()


async def test_a_port_that_accepts_and_says_nothing_is_given_up() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"127.0.0.1:{server.getsockname()[1]}"
        with pytest.raises(BrokerUnreachableError, match="no Kafka broker"):
            await EventProducer(address, connect_timeout=0.3).start()


async def test_a_missing_topic_is_said_and_not_created(kafka: Kafka) -> None:
    async with patient(kafka.bootstrap) as producer:
        with pytest.raises(TopicMissingError, match="topic nowhere does not exist"):
            await producer.send("nowhere", {"user_id": "u"})
        with pytest.raises(TopicMissingError):
            await producer.send_batch("nowhere", [{"user_id": "u"}])


async def test_round_robin_spreads_but_is_refused_for_keyed_inputs(kafka: Kafka) -> None:
    topics = [await new_topic(kafka.bootstrap) for _ in range(2)]
    async with patient(kafka.bootstrap, partitioner=round_robin) as producer:
        for n in range(8):
            sent = [await producer.send(topic, {"user_id": "same"}) for topic in topics]
            assert [place.partition for place in sent] == [n % 4, n % 4]
        for keyed in ("clicks", "purchases", "user-events"):
            with pytest.raises(PartitionerRefusedError, match=f"partitions of {keyed}"):
                await producer.send(keyed, {"user_id": "u"})


async def test_a_custom_partitioner_chooses(kafka: Kafka) -> None:
    topic = await new_topic(kafka.bootstrap)

    def last(key: bytes | None, partitions: int) -> int:
        return partitions if key == b"beyond" else partitions - 1

    async with patient(kafka.bootstrap, partitioner=last) as producer:
        assert (await producer.send(topic, {"user_id": "u"})).partition == 3
        with pytest.raises(BadEventError, match="chose 4"):
            await producer.send(topic, {"user_id": "beyond"})


async def test_after_a_refusal_the_next_records_are_taken(kafka: Kafka) -> None:
    topic = await new_topic(kafka.bootstrap, 1, {"max.message.bytes": "1000"})
    async with patient(kafka.bootstrap) as producer:
        await producer.send(topic, {"user_id": "u", "n": 1})
        with pytest.raises(RefusedError, match="MessageSizeTooLarge"):
            await producer.send(topic, {"user_id": "u", "v": "x" * 2_000})
        assert (await producer.send(topic, {"user_id": "u", "n": 2})).offset == 1
        with pytest.raises(RefusedError, match="MessageSizeTooLarge"):
            await producer.send_batch(topic, [{"user_id": "u", "v": "x" * 2_000}])
        assert (await producer.send(topic, {"user_id": "u", "n": 3})).offset == 2


async def test_the_blocks_own_error_is_not_replaced(kafka: Kafka) -> None:
    topic = await new_topic(kafka.bootstrap, 1, {"max.message.bytes": "1000"})

    async def fail_with_a_record_that_will_be_refused() -> None:
        async with patient(kafka.bootstrap) as producer:
            await producer.put(topic, {"user_id": "u", "v": "x" * 2_000})
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail_with_a_record_that_will_be_refused()


async def test_closing_says_what_was_refused(kafka: Kafka) -> None:
    topic = await new_topic(kafka.bootstrap, 1, {"max.message.bytes": "1000"})
    producer = patient(kafka.bootstrap)
    await producer.start()
    await producer.put(topic, {"user_id": "u", "v": "x" * 2_000})
    with pytest.raises(RefusedError):
        await producer.close()


async def test_concurrent_sends_all_get_their_own_place(kafka: Kafka) -> None:
    topic = await new_topic(kafka.bootstrap)
    async with patient(kafka.bootstrap) as producer:
        places = await asyncio.gather(
            *(producer.send(topic, {"user_id": f"u{n}"}) for n in range(500))
        )
    assert len(set(places)) == 500
