"""What a run needs before anything goes wrong: how large it is, its processes, its parts."""

import asyncio
import time
import traceback
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from tests.chaos.brokers import Brokers, proxied_brokers
from tests.chaos.cluster import NO_BROKER, Cluster, Slot
from tests.chaos.load import Load
from tests.chaos.result import Report
from tests.chaos.scene import Scene
from tests.chaos.schedule import Kind
from tests.chaos.views import Views
from tests.chaos.watch import Watch
from tests.support.service import Service

Say = Callable[[str], None]
MOST_WORKERS = 4
OVER_SECONDS = 60.0
"""So long after the broker is back, a worker may still say that it found none at its start."""


@dataclass(frozen=True)
class Tier:
    """How large a run is. `brokers`: 1 or 3; `records`: at least as many are written; `minutes`:
    after them no new fault begins; `fill`: the faults are spread over them; `rest_minutes`: how
    often all is brought to rest and checked, 0 for only at the end; `fuzz`: the share of records
    that the fuzzer makes others of; `limits`: as `Report.limits`,
    none where times are not judged.
    """

    name: str
    wanted: Mapping[Kind, int]
    brokers: int = 1
    records: int = 20_000
    partitions: int = 4
    workers: int = 2
    minutes: float = 12.0
    fill: bool = False
    rest_minutes: float = 0.0
    event_hours: float = 6.0
    fuzz: float = 0.0
    session_ms: int = 3_000
    transaction_ms: int = 6_000
    settings: Mapping[str, str] = field(default_factory=dict)
    limits: Mapping[str, float] = field(default_factory=dict)


SHORT = Tier(
    "short",
    {
        Kind.KILL: 4,
        Kind.FAILPOINT: 3,
        Kind.ZOMBIE: 3,
        Kind.BROKER_KILL: 2,
        Kind.BROKER_PAUSE: 2,
        Kind.SCALE: 3,
        Kind.DAMAGE: 4,
    },
)


THREE = Tier(
    "short",
    {
        Kind.BROKER_OF_THREE: 4,
        Kind.PARTITION: 1,
        Kind.LATE_MARKERS: 1,
        Kind.SLOW_LINK: 1,
        Kind.DISK_FULL: 1,
    },
    brokers=3,
    records=6_000,
    # What travels between the brokers, too, takes its time here, and fewer sessions end by chance.
    session_ms=6_000,
    transaction_ms=12_000,
)
"""The short tier of three brokers."""


@asynccontextmanager
async def staged(
    tier: Tier,
    folder: Path,
    module: str,
    environment: Mapping[str, str],
    report: Report,
) -> AsyncIterator[Scene]:
    """Start everything; end every process at the end of the block."""
    await asyncio.to_thread(folder.mkdir, parents=True, exist_ok=True)
    broker = proxied_brokers(folder / "broker", tier.brokers)
    await asyncio.to_thread(broker.__enter__)
    try:
        scene = await placed(tier, broker, folder, module, environment, report)
        try:
            for slot in scene.cluster.slots[: tier.workers]:
                scene.cluster.start(slot)
            scene.cluster.watch()
            yield scene
        finally:
            for end in (scene.views.stop, scene.load.close, scene.watch.stop, scene.cluster.close):
                await ended(report, end)
    finally:
        await asyncio.to_thread(broker.__exit__, None, None, None)


async def ended(report: Report, end: Callable[[], Awaitable[None]]) -> None:
    """End one part; that it had died is a failed check, and no reason to leave the others."""
    try:
        await end()
    except Exception:
        report.fail("error", traceback.format_exc())


async def placed(
    tier: Tier,
    broker: Brokers,
    folder: Path,
    module: str,
    environment: Mapping[str, str],
    report: Report,
) -> Scene:
    """The parts, with topics made and nothing started."""
    settings = {
        "session_timeout": f"{tier.session_ms}ms",
        "heartbeat_interval": f"{tier.session_ms // 6}ms",
        "transaction_timeout": f"{tier.transaction_ms}ms",
        **tier.settings,
    }
    service = await Service(broker.direct, tier.partitions, settings, copies=broker.copies).create()
    given = {"STREAMJOIN_BROKER": broker.proxied, **environment}
    cluster = Cluster(service, folder, MOST_WORKERS, module, given, partial(exited, report, broker))
    changelog = f"{service.app_id}-state-changelog"
    return Scene(
        service,
        broker,
        cluster,
        Load(service, report.seed, tier.records, tier.event_hours, tier.fuzz),
        Watch(service, changelog),
        Views(cluster, report.seed),
        report,
        changelog,
        tier.session_ms / 1000,
        tier.transaction_ms / 1000,
    )


def exited(report: Report, broker: Brokers, slot: Slot, text: str) -> None:
    """Note an end that nobody ordered: a failed check, unless it found no broker at its start."""
    said = [line for line in text.splitlines() if line.startswith("streamjoin:")]
    last = said[-1] if said else ""
    away = not slot.was_ready and broker.was_away(OVER_SECONDS)
    if away and any(reason in last for reason in NO_BROKER):
        key = "starts without a broker"
        report.numbers[key] = report.numbers.get(key, 0) + 1
        return
    why = "\n".join(said) or text[-3000:]
    report.fail("worker-exit", f"worker {slot.number}, status {slot.ends[-1]}: {why}")


def count(scene: Scene, began: float, telling: "asyncio.Task[None]") -> None:
    """Note the figures of the whole run, and tell no more."""
    telling.cancel()
    scene.report.numbers |= {
        "seconds": round(time.monotonic() - began, 1),
        "records": scene.load.written,
        "fuzzed records": scene.load.fuzzer.written,
        "largest fuzzed record": scene.load.fuzzer.largest,
        "pieces written again": scene.load.again,
        "reader reconnected": scene.watch.reconnected,
        "worker starts": sum(slot.starts for slot in scene.cluster.slots),
        "views answered": scene.views.answered,
        "views refused": scene.views.refused,
    }


async def tell(scene: Scene, say: Say) -> None:
    """A line a minute."""
    while True:
        await asyncio.sleep(60)
        struck = sum(strike.struck for strike in scene.report.strikes)
        failed = sum(len(found) for found in scene.report.failed.values())
        seen = len(scene.watch.records)
        say(f"... {scene.load.written} written, {seen} read, {struck} struck, {failed} deviations")
