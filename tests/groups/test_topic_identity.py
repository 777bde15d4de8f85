"""Which topic a name stands for, by the real broker's word."""

from uuid import uuid4

import pytest
from aiokafka.admin import AIOKafkaAdminClient, NewPartitions, NewTopic

from app.broker.ports import free_port
from app.errors import UserError
from app.topic_identity import TopicIdentity, topic_identities
from tests.support.kafka import Kafka
from tests.support.topics import until


async def identity(kafka: Kafka, name: str) -> TopicIdentity | None:
    return (await topic_identities(kafka.bootstrap, [name])).topics.get(name)


async def test_a_topic_keeps_its_id_until_it_is_made_anew(kafka: Kafka) -> None:
    name, absent = f"t-{uuid4().hex[:10]}", f"t-{uuid4().hex[:10]}"
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka.bootstrap)
    await admin.start()
    try:
        await admin.create_topics([NewTopic(name, 3, 1)])

        async def counts(partitions: int | None) -> None:
            async def so() -> bool:
                found = await identity(kafka, name)
                return (found.partitions if found else None) == partitions

            await until(so, 60, f"{name} of {partitions} partitions")

        await counts(3)
        found = await topic_identities(kafka.bootstrap, [absent, name])
        assert set(found.topics) == {name}
        assert len(found.cluster_id) == 22
        first = found.topics[name]
        assert int(first.topic_id, 16) != 0
        await admin.create_partitions({name: NewPartitions(5)})
        await counts(5)
        assert await identity(kafka, name) == TopicIdentity(first.topic_id, 5)
        await admin.delete_topics([name])
        await counts(None)
        await admin.create_topics([NewTopic(name, 3, 1)])
        await counts(3)
        again = await topic_identities(kafka.bootstrap, [name])
        assert again.topics[name].topic_id != first.topic_id
        assert again.cluster_id == found.cluster_id
    finally:
        await admin.close()


async def test_no_broker_is_one_line() -> None:
    bootstrap = f"127.0.0.1:{free_port()}"
    with pytest.raises(UserError, match=bootstrap):
        await topic_identities(bootstrap, ["clicks"])
