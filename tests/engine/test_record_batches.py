"""A transaction's records on the real broker: all of them, in order, wherever batches end."""

from aiokafka import AIOKafkaProducer, TopicPartition

from app.engine.record_batches import Batches
from app.producer.partitioners import by_key
from models.outputs import Output
from tests.producer.support import new_topic
from tests.support.kafka import Kafka
from tests.support.topics import read_all

COUNT = 2


def outputs(topic: str) -> list[Output]:
    """Small ones, one larger than a batch, nulls, headers; to a partition or by key."""
    made = [
        Output(topic, number % COUNT, b"k%d" % number, b"v" * (number % 700), 1000 + number)
        for number in range(400)
    ]
    made.append(Output(topic, 0, b"large", b"x" * 50_000, 5))
    made.append(Output(topic, 1, None, None, 6, [("a", b"1"), ("b", b"")]))
    made += [Output(topic, None, b"key-%d" % number, b"by key", 7) for number in range(20)]
    return made


async def test_everything_arrives_in_order(kafka: Kafka) -> None:
    topic = await new_topic(kafka.bootstrap, COUNT)
    changelog = await new_topic(kafka.bootstrap, 1)
    changes = [(b"row-%d" % n, None if n % 3 == 0 else b"r" * (n * 40)) for n in range(300)]
    given = outputs(topic)
    async with AIOKafkaProducer(
        bootstrap_servers=kafka.bootstrap, enable_idempotence=True, max_batch_size=8192
    ) as producer:
        batches = Batches(producer, COUNT)
        for output in given:
            batches.add(output)
        batches.add_changes(TopicPartition(changelog, 0), changes)
        sent = await batches.send()
    assert sum(records for _, records, _ in sent) == len(given) + len(changes)
    found = await read_all(kafka.bootstrap, [topic], COUNT)
    for number in range(COUNT):
        wanted = [o for o in given if place_of(o) == number]
        seen = [r for r in found if r.partition == number]
        assert [(r.key, r.value, r.timestamp, r.headers) for r in seen] == [
            (o.key, o.value, o.timestamp, tuple(o.headers)) for o in wanted
        ]
    rows = await read_all(kafka.bootstrap, [changelog], 1)
    assert [(row.key, row.value) for row in rows] == changes
    ends = [meta.offset + records for place, records, meta in sent if place[0] == changelog]
    assert max(ends) == len(changes)


def place_of(output: Output) -> int:
    return by_key(output.key, COUNT) if output.partition is None else output.partition
