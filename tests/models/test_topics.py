import pytest

from models.codec import DECODERS
from models.topic_configs import changelog_config, safety_config
from models.topics import (
    CLICKS,
    DEAD_LETTERS,
    ENRICHED_PURCHASES,
    EVENT_COUNTS,
    LATE_EVENTS,
    PURCHASES,
    REVENUE,
    REVENUE_PARTIALS,
    TOPICS,
    USER_EVENTS,
    Catalogue,
    Direction,
    Partitioning,
)

FOREVER = "9223372036854775807"


def test_names_are_the_contract_s() -> None:
    catalogue = Catalogue("stream-joins")
    assert catalogue.names(Direction.INPUT) == ["clicks", "purchases", "user-events"]
    assert catalogue.names(Direction.OUTPUT) == [
        "enriched-purchases",
        "event-counts-per-5min",
        "moving-averages",
        "user-sessions",
        "revenue-per-5min",
        "late-events",
        "dead-letters",
    ]
    assert catalogue.names(Direction.INTERNAL) == ["stream-joins-revenue-partials"]
    assert len(catalogue.names()) == len(TOPICS)


def test_names_by_setting() -> None:
    catalogue = Catalogue("app", {"clicks": "shop.clicks"})
    assert catalogue.name(CLICKS) == "shop.clicks"
    assert catalogue.topic("shop.clicks") is CLICKS
    assert catalogue.name(PURCHASES) == "purchases"
    assert catalogue.name(REVENUE_PARTIALS) == "app-revenue-partials"
    assert REVENUE.setting == "topic_revenue_per_5min"
    with pytest.raises(KeyError):
        catalogue.topic("clicks")


@pytest.mark.parametrize(
    ("names", "message"),
    [
        ({"cliks": "x"}, "no topic 'cliks' to rename: one of clicks, dead-letters"),
        ({"revenue-partials": "x"}, "no topic 'revenue-partials' to rename"),
        ({"clicks": "purchases"}, "two topics have the name 'purchases'"),
        ({"clicks": "stream-joins-revenue-partials"}, "two topics have the name 'stream-joins"),
    ],
)
def test_names_that_cannot_be(names: dict[str, str], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Catalogue("stream-joins", names)


def test_every_input_has_a_model_and_a_decoder() -> None:
    inputs = [topic for topic in TOPICS if topic.direction is Direction.INPUT]
    assert inputs == [CLICKS, PURCHASES, USER_EVENTS]
    assert [topic.id for topic in TOPICS if topic.model] == list(DECODERS)


def test_partitions_of_outputs() -> None:
    as_source = [t.id for t in TOPICS if t.partitioning is Partitioning.AS_SOURCE]
    assert as_source == [
        "enriched-purchases",
        "moving-averages",
        "user-sessions",
        "late-events",
        "dead-letters",
    ]


def test_configuration_of_inputs_and_outputs() -> None:
    catalogue = Catalogue("stream-joins")
    kept = {
        "cleanup.policy": "delete",
        "retention.ms": "-1",
        "retention.bytes": "-1",
        "message.timestamp.after.max.ms": FOREVER,
        "message.timestamp.before.max.ms": FOREVER,
    }
    by_event_time = kept | {"message.timestamp.type": "CreateTime"}
    assert catalogue.topic_configs(ENRICHED_PURCHASES) == by_event_time
    assert catalogue.topic_configs(CLICKS) == kept | {"message.timestamp.type": "LogAppendTime"}
    assert catalogue.topic_configs(DEAD_LETTERS) == kept
    assert catalogue.topic_configs(LATE_EVENTS) == by_event_time


def test_what_holds_sources_is_larger_than_the_inputs() -> None:
    catalogue = Catalogue("stream-joins")
    larger = {"max.message.bytes": str(1_048_588 + 65_536)}
    for topic in TOPICS:
        without, given = catalogue.topic_configs(topic), catalogue.topic_configs(topic, 1_048_588)
        holds = topic in (DEAD_LETTERS, LATE_EVENTS)
        assert given == (without | larger if holds else without)


def test_configuration_by_setting() -> None:
    catalogue = Catalogue("app", None, 86_400_000)
    assert catalogue.topic_configs(CLICKS)["retention.ms"] == "86400000"
    assert catalogue.topic_configs(REVENUE_PARTIALS)["retention.ms"] == "604800000"


def test_what_may_be_compacted() -> None:
    assert [topic for topic in TOPICS if topic.supersedes] == [EVENT_COUNTS, REVENUE]


def test_partial_sums_are_not_compacted() -> None:
    configs = Catalogue("app").topic_configs(REVENUE_PARTIALS)
    assert configs["cleanup.policy"] == "delete"
    assert configs["message.timestamp.type"] == "LogAppendTime"


def test_configuration_of_changelogs() -> None:
    assert changelog_config() == {
        "cleanup.policy": "compact",
        "segment.bytes": "16777216",
        "segment.ms": "600000",
        "min.cleanable.dirty.ratio": "0.1",
        "delete.retention.ms": "86400000",
    }


@pytest.mark.parametrize("copies", [1, 2, 3, 5])
def test_three_copies_outlive_a_broker(copies: int) -> None:
    safe = {"min.insync.replicas": "2", "unclean.leader.election.enable": "false"}
    assert safety_config(copies) == (safe if copies > 2 else {})
