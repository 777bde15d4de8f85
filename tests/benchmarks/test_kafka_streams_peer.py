"""Kafka Streams as a peer keeps what streamjoin keeps: held against the model. Needs a JDK."""

from collections.abc import Callable, Iterable
from itertools import count
from pathlib import Path

import pytest

from benchmarks.backlog import Program
from benchmarks.generate import SPAN_MS, START_MS, Keyed, Shape, generate, partition_of, seconds
from benchmarks.peers.kafka_streams.app import FLAGS, Application
from benchmarks.report import KAFKA_STREAMS, markdown
from benchmarks.suite import Options, run
from benchmarks.users import load_users, loads, run_users
from tests.benchmarks.kafka_streams_results import COMPUTATIONS, Results, read_results
from tests.kafka_streams.jvm import NO_JDK, Jdk
from tests.oracle.model import Model
from tests.oracle.records import Record, Settings
from tests.support.kafka import Kafka

JDK = Jdk.find()
PARTITIONS = 4
TOPIC = "peer-user-events"
CLOSING_MS = START_MS + SPAN_MS + 32 * 60_000
"""Past the gap of a session and the grace behind the last event: closes all that is before it."""
AT_ONCE = "-Demit.interval.ms=0"
"""Have it look for closed windows with every event: the whole backlog takes less than a second."""
SIGTERM_STATUS = 128 + 15
"""Of a JVM that has been asked to end."""


def closing() -> list[Keyed]:
    """One event for each partition."""
    found = []
    for partition in range(PARTITIONS):
        names = (f"closing-{number}" for number in count())
        user = next(name for name in names if partition_of(name.encode(), PARTITIONS) == partition)
        value = f'{{"user_id":"{user}","action":"end","timestamp":{seconds(CLOSING_MS)},"value":1}}'
        found.append(Keyed(partition, user.encode(), value.encode()))
    return found


def model(records: Iterable[Keyed]) -> Results:
    """What must have come of them; all were written long after their event time."""
    ends = dict.fromkeys(range(PARTITIONS), 0)
    inputs = []
    for partition, key, value in records:
        inputs.append(Record(TOPIC, partition, ends[partition], 2 * START_MS, key, value))
        ends[partition] += 1
    names = {"user-events": TOPIC}
    return Results.of(Model(inputs, Settings(partitions=PARTITIONS, names=names)).run())


@pytest.mark.skipif(JDK is None, reason=NO_JDK)
async def test_it_comes_to_what_the_model_says(kafka: Kafka, tmp_path: Path) -> None:
    assert JDK
    events = [*loads(generate(Shape.of(2_400)))["usual"](), *closing()]
    load = await load_users(kafka.bootstrap, TOPIC, iter(events), PARTITIONS, print)
    peer = Application(JDK, kafka.bootstrap, TOPIC, tmp_path / "peer", [*FLAGS, AT_ONCE])
    await peer.create_topics(PARTITIONS)
    program = Program("peer", peer.start, peer.app_id, limit_s=300)
    result = await run_users(kafka.bootstrap, program, load, print)
    assert result.complete
    assert result.usage.exit_status == SIGTERM_STATUS
    found = await read_results(kafka.bootstrap, peer)
    assert found.differences(model(events)) == []
    assert len(found.averages) > 1_000
    assert len(found.sessions) > 100
    missed = next(event for event in events if b'"value"' in event.value)
    fewer = [event for event in events if event is not missed]
    assert found.differences(model(fewer)) == list(COMPUTATIONS)
    records, size = peer.changelog_volume()
    assert records > len(events)
    assert size > 8 * records


async def test_without_a_jdk_the_report_says_so(
    options: Callable[..., Options], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("benchmarks.user_parts.Jdk.find", lambda: None)
    report = await run(options("users-kafka-streams"))
    assert report.users == []
    assert report.failed == []
    assert f"Skipped: {KAFKA_STREAMS}: not run: {NO_JDK}." in markdown(report)
