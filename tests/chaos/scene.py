"""What the faults of a run work on, and how they look for evidence."""

import asyncio
import time
from contextlib import suppress
from dataclasses import dataclass

from aiokafka.errors import KafkaError

from models.topics import Direction
from tests.chaos.brokers import Brokers, ProxiedBroker, ProxiedThree
from tests.chaos.cluster import Cluster, Slot
from tests.chaos.load import Load
from tests.chaos.result import Report, Strike
from tests.chaos.schedule import Fault
from tests.chaos.views import Views
from tests.chaos.watch import Watch
from tests.support.service import Service
from tests.support.topics import Ends, committed, ends

GO_ON_SECONDS = 120.0
"""When a partition counts as standing still. Recovery is measured, and takes a tenth of this."""


def now_ms() -> int:
    return int(time.time() * 1000)


@dataclass(frozen=True, slots=True)
class InFlight:
    """What a fault interrupted: records that were not committed, transactions that were open."""

    lag: int
    open: int

    def __str__(self) -> str:
        return f"{self.lag} records in flight, {self.open} transactions open"


@dataclass
class Scene:
    """One run's parts. `burst`: records that are written just before a fault."""

    service: Service
    broker: Brokers
    cluster: Cluster
    load: Load
    watch: Watch
    views: Views
    report: Report
    changelog: str
    session_s: float
    transaction_s: float
    burst: int = 200

    @property
    def partitions(self) -> range:
        return range(self.service.partitions)

    @property
    def one(self) -> ProxiedBroker:
        """The broker, of a run that has one."""
        assert isinstance(self.broker, ProxiedBroker)
        return self.broker

    @property
    def three(self) -> ProxiedThree:
        """The brokers, of a run that has three."""
        assert isinstance(self.broker, ProxiedThree)
        return self.broker

    async def input_ends(self) -> Ends:
        """Where the inputs end now."""
        return await ends(
            self.service.bootstrap, self.service.of(Direction.INPUT), self.service.partitions
        )

    async def committed(self) -> Ends:
        """The group's offsets; waited for while a broker that came back looks for them."""
        found: Ends = {}
        for _ in range(60):
            with suppress(KafkaError):
                found = await committed(self.service.bootstrap, self.service.app_id)
            if found:
                break
            await asyncio.sleep(0.5)
        return found

    async def in_flight(self, before: Ends, partitions: frozenset[int]) -> InFlight:
        """Of the records up to `before`, those in these partitions that are not committed now."""
        done = await self.committed()
        lag = sum(
            max(end - done.get(place, 0), 0)
            for place, end in before.items()
            if place[1] in partitions
        )
        arguments = self.service.bootstrap, [self.changelog], self.service.partitions
        stable, last = await ends(*arguments), await ends(*arguments, "read_uncommitted")
        opened = sum(stable[place] < last[place] for place in stable if place[1] in partitions)
        return InFlight(lag, opened)

    async def commits_after(self, at: int, partitions: frozenset[int], why: str) -> float | None:
        """Wait until each of these partitions has a commit made after `at`.

        Seconds from `at` until the last of them could be read; None if one stands still.
        """
        end = time.monotonic() + GO_ON_SECONDS
        while True:
            found = [self.watch.first_commit(number, at) for number in partitions]
            times = [time for time in found if time is not None]
            if len(times) == len(found):
                return (max(times) - at) / 1000 if times else None
            if time.monotonic() > end:
                still = [n for n, t in zip(partitions, found, strict=True) if t is None]
                self.report.fail("went-on", f"{why}: partitions {still} after {GO_ON_SECONDS} s")
                return None
            await asyncio.sleep(0.05)

    async def taken(self, before: Ends, why: str) -> bool:
        """Wait until all records up to `before` are committed."""
        end = time.monotonic() + GO_ON_SECONDS
        while time.monotonic() < end:
            done = await self.committed()
            if all(done.get(place, 0) >= offset for place, offset in before.items()):
                return True
            await asyncio.sleep(0.5)
        self.report.fail("went-on", f"{why}: not all taken after {GO_ON_SECONDS} s")
        return False

    async def whole(self, why: str, seconds: float = GO_ON_SECONDS) -> bool:
        """Wait until all workers that should run are ready and own all partitions."""
        end = time.monotonic() + seconds
        while not self.cluster.whole():
            if time.monotonic() > end:
                states = [
                    f"{s.number}: ready={s.ready} {sorted(s.assigned)}" for s in self.cluster.slots
                ]
                self.report.fail("ready", f"{why}: after {seconds} s {'; '.join(states)}")
                return False
            await asyncio.sleep(0.1)
        return True

    async def at_least(self, workers: int, why: str) -> None:
        """Start workers until so many run: somebody has to take over."""
        for slot in self.cluster.slots:
            if not slot.wanted and len(self.cluster.running) < workers:
                self.cluster.start(slot)
        await self.whole(why)

    async def each_owns(self, why: str) -> None:
        """Stop workers until there are no more of them than partitions: those that own nothing."""
        idle_first = sorted(self.cluster.running, key=lambda slot: len(slot.assigned))
        leaving = idle_first[: max(len(idle_first) - self.service.partitions, 0)]
        for slot in leaving:
            await self.stop(slot, why)
        if leaving:
            await self.whole(why)

    async def stop(self, slot: Slot, why: str) -> None:
        """SIGTERM; an end that is not clean is a failed check."""
        status = await self.cluster.stop(slot)
        if status != 0:
            text = slot.since(max(slot.mark - 2000, 0))
            self.report.fail("worker-exit", f"{why}: SIGTERM, status {status}: {text}")

    def strike(
        self, fault: Fault, at: int, evidence: object, *, struck: bool, recovery: float | None
    ) -> Strike:
        """What to report of a fault."""
        return Strike(
            fault.number,
            fault.kind.value,
            fault.detail,
            at,
            struck,
            str(evidence),
            recovery,
            form=fault.form,
        )
