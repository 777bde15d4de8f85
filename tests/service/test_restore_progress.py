"""A restore shows how it goes: on `/readyz`, in the metrics and, when it takes long, in the log."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import aiohttp
import pytest
from aiokafka import AIOKafkaProducer

from app.factory import changelog_topic
from tests.chaos.brokers import ProxiedBroker
from tests.chaos.proxy import Action, Api, Rule
from tests.support.service import Service, send_in_batches
from tests.support.status import by_label
from tests.support.topics import ends, until
from tests.support.worker import Worker
from tests.web.asking import Asker, asking, until_ready

PARTITIONS = 2
# Of each partition: three fetches of 4 MB.
ROWS, ROW_BYTES = 6_000, 2_000
# Of no table, so that nobody reads them.
PREFIX = b"\xf0"
PATIENCE = 120.0
LINE = re.compile(
    r"partition (\d+): (\d+) records restored, ([\d.]+) MB in [\d.]+ s "
    r"\((\d+) records/s, ([\d.]+) MB/s\); (.*)"
)
LEFT = "streamjoin_restore_remaining_records"
ByPartition = dict[int, int]


class Line(NamedTuple):
    """A line in the log; `said`: its end."""

    records: int
    megabytes: float
    records_s: int
    megabytes_s: float
    said: str


class Restoring:
    """A worker that restores, and what it shows of that."""

    def __init__(self, worker: Worker, asker: Asker, end: ByPartition) -> None:
        """`end`: of the changelog."""
        self.worker = worker
        self.asker = asker
        self.end = end

    async def values(self, name: str, label: str = "partition") -> dict[str, float]:
        """A metric by one of its labels."""
        return by_label((await self.asker.get("/metrics")).body, name, label)

    async def left(self) -> ByPartition:
        """What is left by the metrics."""
        return {int(number): int(value) for number, value in (await self.values(LEFT)).items()}

    async def named(self) -> ByPartition:
        """What is left by `/readyz`, of the partitions that it names, in words and in figures."""
        reply = await self.asker.get("/readyz")
        assert reply.status == 503, "it was ready before the changelog was read"
        said = reply.problem["readiness"]
        for part in said["restoring"]:
            number, position, end = part["partition"], part["position"], part["end"]
            assert end == self.end[number]
            assert f"partition {number} is being restored: {position} of {end}" in said["reasons"]
        return {part["partition"]: part["end"] - part["position"] for part in said["restoring"]}

    def lines(self) -> dict[int, Line]:
        """The newest line of each partition in the log."""
        found: dict[int, Line] = {}
        for number, records, size, speed, rate, said in LINE.findall(self.worker.text):
            found[int(number)] = Line(int(records), float(size), int(speed), float(rate), said)
        return found

    async def shown(self) -> bool:
        """Whether all three say of all partitions that as much is left, and some is done."""
        assert self.worker.process.poll() is None, self.worker.text
        try:
            left = await self.named()
        except aiohttp.ClientError:
            return False
        logged = {number: line.said for number, line in self.lines().items()}
        said = {number: f"{value} offsets are left" for number, value in left.items()}
        some = left.keys() == self.end.keys() and 0 < sum(left.values()) < sum(self.end.values())
        return some and logged == said and await self.left() == left

    async def states(self) -> tuple[float, float]:
        """How many partitions are restoring, how many run."""
        found = await self.values("streamjoin_partitions", "state")
        return found["restoring"], found["running"]


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[ProxiedBroker]:
    with ProxiedBroker(tmp_path / "broker") as broker:
        yield broker


async def deployed(bootstrap: str, data: Path) -> tuple[Service, ByPartition]:
    """A service that has run once, with many rows in its changelog; where that ends."""
    service = await Service(bootstrap, PARTITIONS).create()
    with service.worker(data) as worker:
        await until_ready(worker)
        assert await worker.terminate() == 0, worker.text
    changelog = changelog_topic(service.loaded())
    rows = (
        (changelog, number, PREFIX + b"%d" % row, bytes(ROW_BYTES), None)
        for number in range(PARTITIONS)
        for row in range(ROWS)
    )
    async with AIOKafkaProducer(
        bootstrap_servers=bootstrap, enable_idempotence=True, max_batch_size=256 << 10
    ) as producer:
        await send_in_batches(producer, {changelog: changelog}, rows)
    found = await ends(bootstrap, [changelog], PARTITIONS)
    return service, {number: end for (_, number), end in found.items()}


async def test_a_long_restore_is_seen_while_it_lasts(broker: ProxiedBroker, tmp_path: Path) -> None:
    """At the default log level: its readers get some of the changelog, and then wait for more."""
    service, end = await deployed(broker.direct, tmp_path / "first")
    reader = f"{service.app_id}-restore"
    held = broker.proxy.add(
        Rule(Api.FETCH, Action.HOLD_ANSWER, client_id=reader, skip=PARTITIONS, times=1000)
    )
    way = {"STREAMJOIN_BROKER": broker.proxied}
    with service.worker(tmp_path / "second", environment=way) as worker:
        async with asking(worker.url) as [asker]:
            restoring = Restoring(worker, asker, end)
            await until(restoring.shown, PATIENCE, "shown in log, metrics and /readyz")
            assert await restoring.states() == (PARTITIONS, 0)
            held.release()
            assert (await until_ready(worker))["restoring"] == []
            await is_done(restoring)
        assert await worker.terminate() == 0, worker.text


async def is_done(restoring: Restoring) -> None:
    """Check what is shown when nothing is left."""
    assert await restoring.left() == dict.fromkeys(restoring.end, 0)
    assert await restoring.states() == (0, PARTITIONS)
    records = await restoring.values("streamjoin_restore_records_total")
    sizes = await restoring.values("streamjoin_restore_bytes_total")
    assert restoring.lines().keys() == restoring.end.keys()
    for number, line in restoring.lines().items():
        assert line.said == "done"
        assert line.records == records[str(number)] > ROWS
        assert line.megabytes == pytest.approx(sizes[str(number)] / 1e6, abs=0.1)
        assert line.megabytes >= ROWS * ROW_BYTES / 1e6
        assert min(line.records_s, line.megabytes_s) > 0
