"""The examples in docs/topics.md: each is a record that its topic may hold."""

import json

import pytest
from aiokafka.structs import ConsumerRecord

from app.topics_document import EXAMPLES, START, Example, topics_document
from models.codec import DECODERS
from models.dead_letters import Rejected
from models.topics import TOPICS, Direction, Topic
from tests.models.records import MAX_FUTURE, record

OURS = [topic for topic in TOPICS if topic.direction is not Direction.INTERNAL]


def _as_read(example: Example) -> ConsumerRecord[bytes, bytes]:
    return record(example.value, example.key, START)


def test_every_topic_that_others_use_has_one() -> None:
    assert list(EXAMPLES) == [topic.id for topic in OURS]
    page = topics_document()
    for topic in TOPICS:
        assert f"{topic.id}\n" in page
    for topic in OURS:
        assert f"`STREAMJOIN_{topic.setting.upper()}`" in page


@pytest.mark.parametrize("topic", [t for t in OURS if t.model is not None], ids=lambda t: t.id)
def test_an_example_of_an_input_is_valid(topic: Topic) -> None:
    example = EXAMPLES[topic.id]
    assert topic.model is not None
    [decoded] = DECODERS[topic.id]([_as_read(example)], MAX_FUTURE)
    assert isinstance(decoded, topic.model)


def test_the_dead_letter_is_refused_as_it_says() -> None:
    example = EXAMPLES["dead-letters"]
    [decoded] = DECODERS["purchases"]([_as_read(example)], MAX_FUTURE)
    assert isinstance(decoded, Rejected)
    headers = dict(example.headers)
    assert headers["error.type"].decode() == decoded.error
    assert headers["error.message"].decode() == decoded.message


@pytest.mark.parametrize("topic", OURS, ids=lambda t: t.id)
def test_an_example_has_the_members_that_the_catalogue_names(topic: Topic) -> None:
    value = json.loads(EXAMPLES[topic.id].value)
    if isinstance(value, dict) and not topic.holds_sources:
        named = [name.strip() for name in topic.value.replace("; optional", ",").split(",")]
        assert value.keys() <= set(named)
        assert value.keys() >= set(topic.value.partition("; optional")[0].split(", "))
