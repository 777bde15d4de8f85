"""`streamjoin topics ...` against a real broker."""

from typing import NoReturn

import pytest
from aiokafka.admin import NewTopic

from app import topics_admin
from app.errors import SettingError
from app.factory import changelog_topic
from app.topics_admin import describe
from tests.operations.running import NOBODY, ran, refused
from tests.support.admin import create_topic
from tests.support.groups import bury_members
from tests.support.kafka import Kafka
from tests.support.service import Service, keyed
from tests.support.topics import reader


async def test_the_services_topics_are_listed_with_their_roles(kafka: Kafka) -> None:
    service = Service(kafka.bootstrap, 2)
    lacking = await ran(service, "topics", "list")
    assert lacking.status == 1
    assert f"missing: {service.names['clicks']}, " in lacking.err
    await service.create()
    listed = await ran(service, "topics", "list", "--json")
    assert listed.status == 0
    ours = [row for row in listed.objects if row["topic"].startswith(service.app_id)]
    assert [row["topic"] for row in ours] == service.of()
    assert [row["role"] for row in ours] == ["in"] * 3 + ["out"] * 7 + ["internal"]
    assert {(r["partitions"], r["replication_factor"], r["behind"]) for r in ours} == {(2, 1, 0)}
    table = await ran(service, "topics", "list", "--all")
    assert [service.names["clicks"], "in", "2", "1", "0"] in table.rows
    offsets = [row for row in table.rows if row[0] == "__consumer_offsets"]
    assert all(row[1] == "kafka" for row in offsets)


async def test_describe_counts_records_and_tells_other_settings(kafka: Kafka) -> None:
    service = await Service(kafka.bootstrap, 2).create()
    await service.send([keyed("clicks", "ann", "{}", 2), keyed("clicks", "ann", "{}", 2)])
    told = await ran(service, "topics", "describe", "clicks", "--json")
    [clicks] = told.objects
    assert clicks["topic"] == service.names["clicks"]
    assert clicks["configs"]["message.timestamp.type"] == "LogAppendTime"
    assert clicks["differs"] == {}
    assert sorted(place["end"] - place["first"] for place in clicks["places"]) == [0, 2]
    assert {tuple(place["in_sync"]) for place in clicks["places"]} == {(1,)}

    changelog = changelog_topic(service.loaded())
    await create_topic(kafka.bootstrap, changelog, 2, {"cleanup.policy": "delete"})
    other = await ran(service, "topics", "describe", changelog)
    assert other.status == 0
    assert "  cleanup.policy is delete, topics create would give it compact" in other.out
    every = await ran(service, "topics", "describe")
    assert [row[1].rstrip(",") for row in every.rows if row and row[0] == "topic"] == service.of()


async def test_one_topic_is_created_and_deleted(kafka: Kafka) -> None:
    service = Service(kafka.bootstrap, 2)
    name = f"{service.app_id}-own"
    flags = ("--partitions", "3", "--config", "retention.ms=5000")
    made = await ran(service, "topics", "create", name, "clicks", *flags)
    assert (made.status, made.err) == (0, "")
    found = await describe(kafka.bootstrap, [name, service.names["clicks"]])
    assert {topic.partitions for topic in found.values()} == {3}
    assert {topic.configs["retention.ms"] for topic in found.values()} == {"5000"}
    own = found[service.names["clicks"]].configs["message.timestamp.type"]
    assert (own, found[name].configs["message.timestamp.type"]) == ("LogAppendTime", "CreateTime")

    looked = await ran(service, "topics", "delete", name, "clicks", "--dry-run")
    assert "nothing has been changed" in looked.out
    unasked = await ran(service, "topics", "delete", name)
    assert (unasked.status, "--yes" in unasked.err) == (2, True)
    assert len(await describe(kafka.bootstrap, [name, service.names["clicks"]])) == 2
    gone = await ran(service, "topics", "delete", name, "clicks", "--yes")
    assert gone.status == 0, gone
    assert await describe(kafka.bootstrap, [name, service.names["clicks"]]) == {}


async def test_three_copies_are_created_such_that_a_broker_may_be_lost(
    kafka: Kafka, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As far as one node goes: what it would be asked for."""
    asked: list[NewTopic] = []

    async def create(_: object, topics: list[NewTopic]) -> NoReturn:
        asked.extend(topics)
        raise SettingError("one node")

    monkeypatch.setattr(topics_admin, "_create", create)
    service = Service(kafka.bootstrap, 2)
    three = ("topics", "create", "--replication-factor", "3")
    await refused(service, *three, status=2, says="one node")
    assert len(asked) == len(service.of())
    assert {topic.replication_factor for topic in asked} == {3}
    assert {topic.topic_configs["min.insync.replicas"] for topic in asked} == {"2"}
    assert {t.topic_configs["unclean.leader.election.enable"] for t in asked} == {"false"}
    own = ("--config", "min.insync.replicas=1")
    await refused(service, *three, *own, status=2, says="one node")
    assert asked[-1].topic_configs["min.insync.replicas"] == "1"


async def test_what_is_in_use_or_kafkas_own_is_not_deleted(kafka: Kafka) -> None:
    service = await Service(kafka.bootstrap, 2).create()
    async with reader(kafka.bootstrap, group=service.app_id) as member:
        member.subscribe([service.names["clicks"]])
        await member.getmany(timeout_ms=1000)
        refusal = await ran(service, "topics", "delete", "clicks", "--yes")
        assert refusal.status == 1
        assert f"group {service.app_id} has 1 members; stop all workers first" in refusal.err
    await bury_members(kafka.bootstrap, service.app_id)
    says = "is Kafka's own"
    await refused(service, "topics", "delete", "__consumer_offsets", "-y", status=1, says=says)
    assert len(await describe(kafka.bootstrap, service.of())) == len(service.of())


async def test_wrong_inputs_are_one_line(kafka: Kafka) -> None:
    service = Service(kafka.bootstrap)
    for command in ("describe", "delete"):
        says = f"topic nowhere does not exist at {kafka.bootstrap}"
        await refused(service, "topics", command, "nowhere", status=1, says=says)
    says = "--config must be KEY=VALUE"
    await refused(service, "topics", "create", "x", "--config", "x", status=2, says=says)
    for words in (("list",), ("describe",), ("delete", "clicks"), ("create",)):
        says = f"no Kafka broker answers at {NOBODY}"
        await refused(service, "topics", *words, "--broker", NOBODY, status=1, says=says)
