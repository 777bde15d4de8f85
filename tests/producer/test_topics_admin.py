from uuid import uuid4

import pytest

from app.errors import UserError
from app.topics_admin import create_topics, describe
from models.topics import DEAD_LETTERS, TOPICS, Catalogue, Direction
from tests.support.kafka import Kafka


def own_catalogue() -> Catalogue:
    mark = uuid4().hex[:12]
    renamed = {
        topic.id: f"{topic.id}-{mark}"
        for topic in TOPICS
        if topic.direction is not Direction.INTERNAL
    }
    return Catalogue(f"app-{mark}", renamed)


async def test_topics_are_created_with_the_catalogues_settings(kafka: Kafka) -> None:
    catalogue = own_catalogue()
    result = await create_topics(kafka.bootstrap, catalogue, 3, 1)
    assert sorted(result.created) == sorted(catalogue.names())
    assert (result.existing, result.differing) == ([], {})
    described = await describe(kafka.bootstrap, catalogue.names())
    for topic in TOPICS:
        found = described[catalogue.name(topic)]
        wanted = catalogue.topic_configs(topic)
        assert found.partitions == 3
        assert {name: found.configs[name] for name in wanted} == wanted
    assert described[catalogue.name(DEAD_LETTERS)].configs["max.message.bytes"] == "1114124"


async def test_what_exists_is_left_alone_and_a_difference_is_told(kafka: Kafka) -> None:
    catalogue = own_catalogue()
    await create_topics(kafka.bootstrap, catalogue, 2, 1)
    again = await create_topics(kafka.bootstrap, catalogue, 2, 1)
    assert (again.created, again.differing) == ([], {})
    assert sorted(again.existing) == sorted(catalogue.names())
    other = await create_topics(kafka.bootstrap, catalogue, 5, 1)
    assert (other.created, other.differing) == ([], dict.fromkeys(catalogue.names(), 2))
    described = await describe(kafka.bootstrap, [*catalogue.names(), "nowhere"])
    assert {found.partitions for found in described.values()} == {2}
    assert "nowhere" not in described


async def test_the_brokers_refusal_is_one_line(kafka: Kafka) -> None:
    with pytest.raises(UserError, match=r"refused to create .*[Rr]eplication factor"):
        await create_topics(kafka.bootstrap, own_catalogue(), 1, 3)


async def test_no_broker_is_one_line() -> None:
    with pytest.raises(UserError, match=r"no Kafka broker answers at 127\.0\.0\.1:1;"):
        await create_topics("127.0.0.1:1", own_catalogue(), 1, 1)
