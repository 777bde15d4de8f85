"""`streamjoin check` against a real broker, in order and out of order."""

from pathlib import Path

from app.operations.features import release
from tests.operations.running import NOBODY, Ran, ran, refused
from tests.support.admin import create_topic, delete_topic, raise_partitions
from tests.support.kafka import Kafka
from tests.support.service import Service
from tests.support.topics import read_all

AREAS = (
    "settings", "data folder", "credentials", "broker", "broker settings", "topics", "writers",
    "rights", "topic settings", "clock",
)  # fmt: skip


def verdicts(got: Ran) -> dict[str, set[str]]:
    """By area, of the lines as JSON."""
    found: dict[str, set[str]] = {}
    for row in got.objects:
        if "area" in row:
            found.setdefault(row["area"], set()).add(row["verdict"])
    return found


def texts(got: Ran, verdict: str) -> str:
    return "\n".join(row["text"] for row in got.objects if row.get("verdict") == verdict)


async def test_a_fresh_installation_on_one_broker(kafka: Kafka, tmp_path: Path) -> None:
    service = await Service(kafka.bootstrap, 2).create()
    got = await ran(service, "check", "--data-dir", str(tmp_path), "--json")
    assert got.status == 0, got
    found = verdicts(got)
    assert found.pop("replication") == {"warning"}
    assert set(found) == set(AREAS)
    assert all(verdict == {"ok"} for verdict in found.values()), found
    assert "Kafka 4.3 by" in texts(got, "ok")
    assert f"the first worker makes {service.app_id}-state-changelog" in texts(got, "ok")
    assert await read_all(kafka.bootstrap, service.of(), 2) == []
    people = await ran(service, "check", "--data-dir", str(tmp_path))
    commands = [line for line in people.out.splitlines() if "kafka-acls.sh" in line]
    assert len(commands) == 6
    assert all(f" {name} " in f"{people.out} ".replace("\n", " ") for name in service.of())


async def test_what_is_missing_is_wrong_and_is_not_made(kafka: Kafka) -> None:
    service = await Service(kafka.bootstrap, 2).create()
    partials = f"{service.app_id}-revenue-partials"
    await delete_topic(kafka.bootstrap, partials)
    got = await ran(service, "check", "--json")
    assert got.status == 1
    assert f"topics are missing on {kafka.bootstrap}: {partials}; run" in texts(got, "wrong")
    assert f"sees no topic {partials}" in texts(got, "wrong")
    assert verdicts(got)["clock"] == {"warning"}
    await refused(service, "topics", "describe", partials, status=1, says="does not exist")


async def test_what_would_go_wrong_is_named(kafka: Kafka, tmp_path: Path) -> None:
    hours = {"transaction_timeout": "1h", "session_timeout": "1h"}
    service = Service(kafka.bootstrap, 2, hours)
    await service.create()
    await raise_partitions(kafka.bootstrap, service.names["clicks"], 3)
    await delete_topic(kafka.bootstrap, service.names["purchases"])
    own = {"message.timestamp.type": "LogAppendTime", "unclean.leader.election.enable": "true"}
    own |= {"min.insync.replicas": "2"}
    await create_topic(kafka.bootstrap, service.names["purchases"], 2, own)
    folder = tmp_path / "file"
    folder.write_text("")
    got = await ran(service, "check", "--json", "--data-dir", str(folder / "data"))
    assert got.status == 1
    wrong, warned = texts(got, "wrong"), texts(got, "warning")
    for text in (
        "all topics must have the same number of partitions",
        "transaction.max.timeout.ms=900000, less than transaction_timeout 3600000 ms",
        " to 1800000 ms, session_timeout is 3600000: set it between them",
        "has min.insync.replicas=2 and 1 copies: nothing can be written",
        "cannot be written: name another (STREAMJOIN_DATA_DIR)",
    ):
        assert text in wrong, text
    assert f"{service.names['purchases']} has unclean.leader.election.enable=true" in warned
    assert f"{service.names['purchases']} has retention.ms=604800000, topics create" in warned


async def test_no_broker_is_one_finding() -> None:
    got = await ran(Service(NOBODY), "check", "--json")
    assert got.status == 1
    assert texts(got, "wrong").startswith(f"no Kafka broker answers at {NOBODY}")
    assert verdicts(got)["broker"] == {"wrong"}


async def test_settings_with_which_no_worker_starts_are_wrong() -> None:
    got = await ran(Service(NOBODY, settings={"web_host": "0.0.0.0"}), "check", "--json")
    assert got.status == 1
    assert verdicts(got)["settings"] == {"wrong"}
    assert "web_host 0.0.0.0 can be reached from other machines" in texts(got, "wrong")


def test_releases_by_level() -> None:
    levels = (None, 6, 7, 21, 22, 25, 27, 29, 30, 31)
    assert [release(level) for level in levels] == [
        "older than 3.3", "older than 3.3", "3.3", "3.9", "4.0", "4.0", "4.1", "4.2", "4.3",
        "newer than 4.3",
    ]  # fmt: skip
