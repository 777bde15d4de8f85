"""`streamjoin dead-letters ...`: listed, shown, and replayed once each."""

import asyncio
import json
import signal
from pathlib import Path

from models.dead_letters import ErrorType
from models.times import iso
from tests.operations.burying import FAILED, bury, origins, source
from tests.operations.running import NOBODY, ran, refused
from tests.support.command import streamjoin
from tests.support.kafka import Kafka
from tests.support.service import Service, keyed
from tests.support.topics import read_all


async def test_what_a_worker_refused_is_listed_shown_and_replayed(
    kafka: Kafka, tmp_path: Path
) -> None:
    service = await Service(kafka.bootstrap, 2).create()
    empty = await ran(service, "dead-letters", "list")
    assert (empty.status, empty.out, empty.err) == (0, "", "no dead letters\n")
    bad = ['{"user_id":"ann","page":1,"timestamp":1}', '{"user_id":"ann","page":"/"}', "oops"]
    await service.send(keyed("clicks", "ann", value, 2) for value in bad)
    with service.worker(tmp_path) as worker:
        await service.at_rest()
        listed = await ran(service, "dead-letters", "list")
        reasons = [row[2] for row in listed.rows[1:]]
        assert reasons == ["wrong-type", "missing-field", "not-json"]
        assert listed.err.startswith("3 of 3 dead letters: missing-field 1, not-json 1, ")
        wanted = ("--reason", "missing-field", "--reason", "not-json")
        done = await ran(service, "dead-letters", "replay", *wanted, "--yes")
        assert (done.status, done.out.splitlines()[-1]) == (0, "2 dead letters were replayed")
        await service.at_rest()
        assert await worker.terminate() == 0, worker.text
    clicks = [r for r in await service.inputs() if r.topic == service.names["clicks"]]
    assert [r.value for r in clicks] == [value.encode() for value in [*bad, *bad[1:]]]
    assert {(r.partition, r.key) for r in clicks} == {(clicks[0].partition, b"ann")}
    again = await ran(service, "dead-letters", "list", "--limit", "2", "--json")
    assert [h["value"] for line in again.objects for h in line["headers"]
            if h["name"] == "source.offset"] == [str(r.offset) for r in clicks[-2:]]  # fmt: skip
    shown = await ran(service, "dead-letters", "show", listed.rows[2][0])
    assert shown.status == 0
    assert f"value              {bad[1]}" in shown.out
    assert "error.type         missing-field" in shown.out
    assert "replayed           no" not in shown.out


async def test_reasons_times_and_what_cannot_be_replayed(kafka: Kafka) -> None:
    service = await Service(kafka.bootstrap, 1).create()
    own = source(service, 0)
    await bury(service, [own, source(service, 1)], ErrorType.HANDLER)
    await bury(service, [source(service, 2)], ErrorType.HANDLER, FAILED + 1000)
    await bury(service, [source(service, 3)], ErrorType.FUTURE)
    strange = [own._replace(value=None), source(service, 4, "elsewhere")]
    await bury(service, strange, ErrorType.TOO_LARGE)
    times = ("--since", iso(FAILED), "--until", iso(FAILED + 1))
    handler = ("--reason", "handler", *times)
    looked = await ran(service, "dead-letters", "replay", *handler, "--dry-run", "--json")
    clicks = service.names["clicks"]
    assert looked.objects == [{"topic": clicks, "reason": "handler", "to_replay": 2}]
    unasked = await ran(service, "dead-letters", "replay", *handler)
    assert (unasked.status, "--yes" in unasked.err) == (2, True)
    assert await service.inputs() == []

    done = await ran(service, "dead-letters", "replay", *handler, "-y", "--json", "--rate", "1")
    assert done.objects[-1] == {"replayed": 2}
    rest = await ran(service, "dead-letters", "replay", "-y", "--json")
    assert rest.objects[-1] == {"replayed": 2}
    skipped = {row["because"]: row["skipped"] for row in rest.objects if "skipped" in row}
    assert {why.split(" ")[0]: number for why, number in skipped.items()} == {
        "replayed": 2, "too": 1, "from": 1,
    }  # fmt: skip
    nothing = await ran(service, "dead-letters", "replay", "--topic", "clicks", "-y")
    assert (nothing.status, nothing.out.splitlines()[-1]) == (0, "nothing to replay")
    values = [record.value for record in await service.inputs()]
    assert values == [b'{"n":%d}' % offset for offset in (0, 1, 2, 3)]


def dying(service: Service, place: str) -> int:
    """Run a replay that kills itself; its exit status."""
    environment = {**service.environment, "DIES_AT": place}
    arguments = ("dead-letters", "replay", "--yes", "--rate", "50")
    module = "tests.operations.dying_replay"
    return streamjoin(environment, *arguments, module=module).returncode


async def test_killed_anywhere_each_is_replayed_once(kafka: Kafka) -> None:
    service = await Service(kafka.bootstrap, 2).create()
    for partition in (0, 1):
        letters = [source(service, offset, partition=partition) for offset in range(110)]
        await bury(service, letters, ErrorType.HANDLER)
    for place, replayed in (("before:1", 0), ("after:1", 50), ("before:2", 100)):
        assert await asyncio.to_thread(dying, service, place) == -signal.SIGKILL
        there = await read_all(kafka.bootstrap, [service.names["clicks"]], 2)
        assert len(there) == replayed, place
    done = await ran(service, "dead-letters", "replay", "--yes", "--rate", "0", "--json")
    assert done.objects[-1] == {"replayed": 120}
    there = await read_all(kafka.bootstrap, [service.names["clicks"]], 2)
    assert [(r.partition, json.loads(r.value or b"")["n"]) for r in there] == [
        (partition, offset) for partition in (0, 1) for offset in range(110)
    ]
    assert len(set(origins(there))) == 220


async def test_wrong_inputs_are_one_line(kafka: Kafka) -> None:
    service = Service(kafka.bootstrap, 1)
    says = f"topic {service.names['dead-letters']} does not exist"
    for words in (("list",), ("replay",), ("show", "0@0")):
        await refused(service, "dead-letters", *words, status=1, says=says)
        unreachable = (*words, "--broker", NOBODY)
        await refused(service, "dead-letters", *unreachable, status=1, says="no Kafka broker")
    await service.create()
    for place in ("0@0", "5@0"):
        says = f"no dead letter lies at {place}"
        await refused(service, "dead-letters", "show", place, status=1, says=says)
    for flags, says in (
        (("show", "first"), "first: write PARTITION@OFFSET"),
        (("list", "--reason", "bad"), "--reason bad: must be one of null-key, "),
        (("list", "--since", "noon"), "--since noon: not a time"),
        (("list", "--limit", "0"), "--limit 0: must be 1 or more"),
        (("replay", "--topic", "x"), "--topic x: must be one of clicks, "),
        (("replay", "--rate", "-1"), "--rate -1: must be 0"),
    ):
        await refused(service, "dead-letters", *flags, status=2, says=says)
