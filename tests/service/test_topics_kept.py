"""Topics that would lose what is written to them: refused at the start, and by `check`."""

from pathlib import Path

import pytest

from app.errors import SettingError
from app.factory import changelog_topic
from app.startup import check_catalogue, check_topics
from app.topics_admin import describe
from models.topic_configs import changelog_config
from tests.operations.running import ran
from tests.operations.test_check import texts
from tests.service.test_start import refused
from tests.support.admin import configure, create_topic
from tests.support.kafka import Kafka
from tests.support.service import Service
from tests.support.topics import until

LONG_MAX = str(2**63 - 1)
PATIENCE = 60.0
HOUR, GIB = "3600000", "1073741824"
PARTIALS = "revenue-partials"
POLICY, STAMP, AGE, SIZE = (
    "cleanup.policy", "message.timestamp.type", "retention.ms", "retention.bytes",
)  # fmt: skip


def actual(service: Service, topic: str) -> str:
    return service.names.get(topic) or f"{service.app_id}-{topic}"


async def reconfigure(service: Service, topic: str, **given: str) -> None:
    """Change some of the settings that `topics create` gives a topic; the broker goes by them."""
    name, catalogue = actual(service, topic), service.catalogue
    configs = {**catalogue.topic_configs(catalogue.topic(name)), **given}
    await configure(service.bootstrap, {name: configs})

    async def known() -> bool:
        [found] = (await describe(service.bootstrap, [name])).values()
        return given.items() <= found.configs.items()

    await until(known, PATIENCE, "configured", 0.05)


@pytest.mark.parametrize(
    ("topic", "name", "value", "wanted"),
    [
        ("enriched-purchases", AGE, HOUR, "-1"),
        ("late-events", "message.timestamp.before.max.ms", HOUR, LONG_MAX),
        ("revenue-per-5min", "message.timestamp.after.max.ms", HOUR, LONG_MAX),
        ("dead-letters", POLICY, "compact", "delete"),
        (PARTIALS, POLICY, "compact", "delete"),
    ],
)
async def test_a_worker_and_check_refuse_it(
    kafka: Kafka, tmp_path: Path, topic: str, name: str, value: str, wanted: str
) -> None:
    service = await Service(kafka.bootstrap, 1).create()
    await reconfigure(service, topic, **{name: value})
    status, text = await refused(service, tmp_path)
    assert status == 2
    assert f"topic {actual(service, topic)} has {name}={value} and " in text
    assert f": set it to {wanted}" in text
    checked = await ran(service, "check", "--json")
    assert checked.status == 1
    assert text.removeprefix("streamjoin: ") in texts(checked, "wrong").splitlines()


@pytest.mark.parametrize(
    ("topic", "name", "value", "wanted"),
    [
        *[
            (topic, POLICY, policy, "delete")
            for topic in ("enriched-purchases", "moving-averages", "user-sessions", "late-events")
            for policy in ("compact", "compact,delete")
        ],
        ("dead-letters", POLICY, "compact,delete", "delete"),
        (PARTIALS, POLICY, "compact,delete", "delete"),
        *[
            (topic, STAMP, "LogAppendTime", "CreateTime")
            for topic in (
                "enriched-purchases", "event-counts-per-5min", "moving-averages",
                "user-sessions", "revenue-per-5min", "late-events",
            )
        ],
        *[
            (topic, SIZE, GIB, "-1")
            for topic in ("enriched-purchases", "revenue-per-5min", "dead-letters")
        ],
        ("dead-letters", AGE, HOUR, "-1"),
    ],
)  # fmt: skip
async def test_it_is_refused(kafka: Kafka, topic: str, name: str, value: str, wanted: str) -> None:
    service = await Service(kafka.bootstrap, 1).create()
    await reconfigure(service, topic, **{name: value})
    await refuses(service, f"topic {actual(service, topic)} has {name}={value} and ", wanted)


async def refuses(service: Service, says: str, wanted: str) -> None:
    """The checks at a start name the topic, what it has, and what to set."""
    settings = service.loaded()
    with pytest.raises(SettingError) as refusal:
        await check_topics(settings, changelog_topic(settings))
    assert says in str(refusal.value)
    assert f": set it to {wanted}" in str(refusal.value)


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({STAMP: "LogAppendTime", AGE: HOUR}, f"{AGE}={HOUR} and would delete"),
        ({STAMP: "LogAppendTime", SIZE: GIB}, f"{SIZE}={GIB} and would delete"),
    ],
)
async def test_stamps_of_the_broker_do_not_keep_outputs(
    kafka: Kafka, given: dict[str, str], says: str
) -> None:
    """Dead letters carry the time of writing, whoever stamps them."""
    service = await Service(kafka.bootstrap, 1).create()
    await reconfigure(service, "dead-letters", **given)
    await refuses(service, f"topic {actual(service, 'dead-letters')} has {says}", "-1")


async def test_what_loses_nothing_is_taken(kafka: Kafka) -> None:
    service = await Service(kafka.bootstrap, 1).create()
    await reconfigure(service, "event-counts-per-5min", **{POLICY: "compact", SIZE: GIB})
    await reconfigure(service, "revenue-per-5min", **{POLICY: "compact,delete"})
    await reconfigure(service, "dead-letters", **{STAMP: "LogAppendTime"})
    await reconfigure(service, "clicks", **{STAMP: "CreateTime", SIZE: GIB, AGE: HOUR})
    settings = service.loaded()
    await check_topics(settings, changelog_topic(settings))


async def test_a_retention_that_is_set_is_kept_to(kafka: Kafka) -> None:
    service = await Service(kafka.bootstrap, 1, {"topic_retention": "2h"}).create()
    settings = service.loaded()
    await check_catalogue(settings, changelog_topic(settings))
    await reconfigure(service, "user-sessions", **{AGE: HOUR})
    await refuses(service, f"{actual(service, 'user-sessions')} has {AGE}={HOUR}", "7200000")


@pytest.mark.parametrize("policy", ["delete", "compact,delete"])
async def test_a_changelog_that_is_not_compacted(kafka: Kafka, tmp_path: Path, policy: str) -> None:
    service = await Service(kafka.bootstrap, 1).create()
    name = changelog_topic(service.loaded())
    configs = {**changelog_config(), POLICY: policy, "max.message.bytes": "2000000"}
    await create_topic(service.bootstrap, name, 1, configs)
    status, text = await refused(service, tmp_path)
    assert status == 2
    assert f"topic {name} has {POLICY}={policy} and " in text
    assert ": set it to compact;" in text
    checked = await ran(service, "check", "--json")
    assert text.removeprefix("streamjoin: ") in texts(checked, "wrong").splitlines()
    reset = await ran(service, "groups", "reset-offsets", "--to", "earliest", "--yes")
    assert reset.status == 0, reset
    await check_topics(service.loaded(), name)


async def test_the_first_changelog_is_as_safe_as_the_clicks(kafka: Kafka) -> None:
    service = await Service(kafka.bootstrap, 1).create()
    await reconfigure(service, "clicks", **{"min.insync.replicas": "2"})
    name = changelog_topic(service.loaded())
    await check_topics(service.loaded(), name)
    [made] = (await describe(service.bootstrap, [name])).values()
    assert made.configs["min.insync.replicas"] == "2"
