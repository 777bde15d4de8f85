"""`streamjoin groups ...` and `lag` against a real broker and a real worker."""

import time
from pathlib import Path

from aiokafka import TopicPartition

from models.topics import Direction
from tests.groups.resetting import output_ends, reset, run_and_compare
from tests.operations.running import NOBODY, Ran, ran, refused
from tests.service.traffic import traffic
from tests.support.kafka import Kafka
from tests.support.service import Service, keyed
from tests.support.topics import committed, ends, reader

PARTITIONS = 2


async def seen_at_work(service: Service, data: Path) -> Ran:
    """What commands say while a worker is at rest."""
    with service.worker(data) as worker:
        await service.at_rest(120)
        refusal = await ran(service, "groups", "reset-offsets", "--to", "earliest", "--yes")
        assert (refusal.status, "is live" in refusal.err) == (1, True)
        described = await ran(service, "groups", "describe", "--json")
        [group] = described.objects
        assert group["state"] == "Stable"
        [member] = group["members"]
        sources = service.of(Direction.INPUT, Direction.INTERNAL)
        wanted = {(topic, number) for topic in sources for number in range(PARTITIONS)}
        assert wanted <= set(map(tuple, member["partitions"]))
        assert all(row["owner"].endswith("127.0.0.1") for row in group["partitions"])
        shown = await ran(service, "lag")
        assert await worker.terminate(60) == 0, worker.text
    return shown


async def test_lag_and_a_reset_to_a_time_and_to_offsets(kafka: Kafka, tmp_path: Path) -> None:
    service = await Service(kafka.bootstrap, PARTITIONS).create()
    await service.send(traffic(61, 800, PARTITIONS))
    shown = await seen_at_work(service, tmp_path)
    assert shown.out.splitlines()[0] == f"group {service.app_id}: Stable, 1 members"
    assert shown.out.splitlines()[-1] == "lag 0 records"

    inputs = service.of(Direction.INPUT)
    first = await ends(service.bootstrap, inputs, PARTITIONS)
    moment = time.time()
    await service.send(traffic(62, 800, PARTITIONS))
    last = await ends(service.bootstrap, inputs, PARTITIONS)
    behind = await ran(service, "lag", "--json")
    rows = {(row["topic"], row["partition"]): row for row in behind.objects}
    done = await committed(service.bootstrap, service.app_id)
    assert {place: rows[place]["lag"] for place in last} == {
        place: offset - done[place] for place, offset in last.items()
    }
    assert all((row["seconds"] is not None) == (row["lag"] > 0) for row in rows.values())
    assert all(row["owner"] is None for row in rows.values())

    clicks = (service.names["clicks"], 1)
    first[clicks] -= 5
    flags = ("--to", f"{moment:.3f}", "--to-offset", f"clicks:1={first[clicks]}")
    looked = await reset(service, tmp_path, *flags, "--dry-run")
    words = [line.split() for line in looked.text.splitlines()]
    for (topic, partition), offset in first.items():
        assert [topic, str(partition), f"{done[topic, partition]:,}", "->", f"{offset:,}"] in words
    since = await output_ends(service)
    whole = await reset(service, tmp_path, *flags, "--yes")
    assert whole.status == 0, whole.text
    assert "what comes from there on" in whole.text
    await run_and_compare(service, tmp_path, since, first)


async def test_another_programs_group_is_listed_and_described(kafka: Kafka) -> None:
    service = await Service(kafka.bootstrap, 2).create()
    await service.send([keyed("clicks", "ann", "{}", 2)] * 3)
    topic, partition, *_ = keyed("clicks", "ann", "{}", 2)
    place = TopicPartition(service.names[topic], partition)
    group = f"{service.app_id}-other"
    async with reader(kafka.bootstrap, group=group) as member:
        member.assign([place])
        await member.commit({place: 1})
    listed = await ran(service, "groups", "list", "--json")
    [found] = [row for row in listed.objects if row["group"] == group]
    assert (found["state"], found["members"]) == ("Empty", 0)
    told = await ran(service, "lag", group, "--json")
    [row] = told.objects
    waiting = row.pop("seconds")
    assert waiting >= 0
    assert row == {"topic": place.topic, "partition": partition, "committed": 1, "end": 3,
                   "lag": 2, "owner": None, "gone": 0, "group": group}  # fmt: skip
    table = await ran(service, "groups", "describe", group)
    assert table.out.splitlines()[0] == f"group {group}: Empty, 0 members"
    every = await ran(service, "groups", "list")
    assert [group, "Empty", "0"] in [[row[0], row[1], row[-1]] for row in every.rows]


async def test_before_the_first_worker_all_of_it_lags(kafka: Kafka) -> None:
    service = await Service(kafka.bootstrap, 2).create()
    await service.send([keyed("clicks", "ann", "{}", 2)] * 3)
    shown = await ran(service, "lag")
    assert shown.status == 0
    assert "no worker has joined it yet" in shown.out
    assert shown.out.splitlines()[-1].startswith("lag 3 records, the oldest has waited for ")


async def test_wrong_inputs_are_one_line(kafka: Kafka) -> None:
    service = Service(kafka.bootstrap, 2)
    says = f"topics are missing on {kafka.bootstrap}: {service.names['clicks']}, "
    await refused(service, "lag", status=1, says=says)
    await service.create()
    for words in (("lag", "nobodys"), ("groups", "describe", "nobodys")):
        says = f"group nobodys does not exist at {kafka.bootstrap}"
        await refused(service, *words, status=1, says=says)
    for command in (("lag",), ("groups", "list"), ("groups", "describe")):
        await refused(
            service, *command, "--broker", NOBODY, status=1, says="no Kafka broker answers"
        )
    await refused(service, "lag", "--interval", "0", status=2, says="--interval 0: must be")
    for flags, says in (
        (("--to", "noon"), "--to noon: not a time"),
        (("--to", "latest", "--to-offset", "clicks"), "write TOPIC:PARTITION=OFFSET"),
        (("--to", "latest", "--to-offset", "clicks:9=0"), "no partition of an input"),
        (("--to", "latest", "--to-offset", "clicks:0=7"), "clicks:0=7: must be 0 to 0"),
    ):
        await refused(service, "groups", "reset-offsets", *flags, status=2, says=says)
