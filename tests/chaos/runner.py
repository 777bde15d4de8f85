"""One run: cluster, load and faults together; then rest, and the oracle's judgement."""

import asyncio
import time
import traceback
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from tests.chaos import disk_faults, other_faults, worker_faults
from tests.chaos.brokers import ProxiedBroker
from tests.chaos.cluster import NO_BROKER, Cluster, Slot
from tests.chaos.judge import judge, judge_on_the_way
from tests.chaos.load import Load
from tests.chaos.result import Report, Strike
from tests.chaos.scene import Scene
from tests.chaos.schedule import Fault, Kind, Schedule, make_fault, make_schedule
from tests.chaos.views import Views
from tests.chaos.watch import Watch
from tests.support.service import Service

Say = Callable[[str], None]
STRIKES: Mapping[Kind, Callable[[Scene, Fault], Awaitable[Strike]]] = {
    Kind.KILL: worker_faults.kill,
    Kind.FAILPOINT: worker_faults.failpoint,
    Kind.ZOMBIE: worker_faults.zombie,
    Kind.BROKER_KILL: other_faults.broker_kill,
    Kind.BROKER_PAUSE: other_faults.broker_pause,
    Kind.SCALE: worker_faults.scale,
    Kind.DAMAGE: disk_faults.store_damage,
    Kind.PROXY: other_faults.proxy_fault,
    Kind.HIJACK: other_faults.hijacked,
}
MOST_WORKERS = 4


@dataclass(frozen=True)
class Tier:
    """How large a run is. `records`: at least as many are written; `minutes`: after them no new
    fault begins; `fill`: the faults are spread over them; `rest_minutes`: how often all is brought
    to rest and checked, 0 for only at the end.
    """

    name: str
    wanted: Mapping[Kind, int]
    records: int = 20_000
    partitions: int = 4
    workers: int = 2
    minutes: float = 12.0
    fill: bool = False
    rest_minutes: float = 0.0
    event_hours: float = 6.0
    session_ms: int = 3_000
    transaction_ms: int = 6_000
    settings: Mapping[str, str] = field(default_factory=dict)


SHORT = Tier(
    "short",
    {
        Kind.KILL: 6,
        Kind.FAILPOINT: 4,
        Kind.ZOMBIE: 5,
        Kind.BROKER_KILL: 3,
        Kind.SCALE: 4,
        Kind.DAMAGE: 4,
    },
)


async def run_tier(
    seed: int,
    schedule: Schedule | None = None,
    *,
    folder: Path,
    tier: Tier = SHORT,
    worker_module: str = "app.cli.main",
    environment: Mapping[str, str] | None = None,
    say: Say = lambda _: None,
) -> Report:
    """Run a broker, workers, load and faults; what came out.

    `schedule`: by default the seed's for the tier. `worker_module`: run with `-m` and the argument
    `worker`; `environment`: for each worker, besides the tier's. `folder`: holds the broker's and
    the workers' data and logs. Never raises for what the service does: that is a failed check.
    """
    schedule = schedule or make_schedule(seed, tier.wanted)
    report = Report(
        seed,
        [str(fault) for fault in schedule.faults],
        f"python -m tests.chaos.soak --tier {tier.name} --seed {seed}",
        datetime.now(UTC).isoformat(timespec="seconds"),
        {kind.value: number for kind, number in schedule.wanted.items()},
        logs=str(folder),
    )
    began = time.monotonic()
    async with staged(tier, seed, folder, worker_module, environment or {}, report) as scene:
        try:
            await faults_and_load(scene, schedule, tier, say)
            await judge(scene, say)
        except Exception:
            report.fail("error", traceback.format_exc())
        report.numbers["records"] = scene.load.written
        report.numbers["pieces written again"] = scene.load.again
        report.numbers["reader reconnected"] = scene.watch.reconnected
        report.numbers["worker starts"] = sum(slot.starts for slot in scene.cluster.slots)
    report.numbers["seconds"] = round(time.monotonic() - began, 1)
    return report


@asynccontextmanager
async def staged(
    tier: Tier,
    seed: int,
    folder: Path,
    module: str,
    environment: Mapping[str, str],
    report: Report,
) -> AsyncIterator[Scene]:
    """Start everything; end every process at the end of the block."""
    await asyncio.to_thread(folder.mkdir, parents=True, exist_ok=True)
    broker = ProxiedBroker(folder / "broker")
    await asyncio.to_thread(broker.__enter__)
    try:
        settings = {
            "session_timeout": f"{tier.session_ms}ms",
            "heartbeat_interval": f"{tier.session_ms // 6}ms",
            "transaction_timeout": f"{tier.transaction_ms}ms",
            **tier.settings,
        }
        service = await Service(broker.direct, tier.partitions, settings).create()

        def exited(slot: Slot, text: str) -> None:
            if any(reason in text for reason in NO_BROKER):
                key = "starts without a broker"
                report.numbers[key] = report.numbers.get(key, 0) + 1
            else:
                said = [line for line in text.splitlines() if line.startswith("streamjoin:")]
                why = "\n".join(said) or text[-3000:]
                report.fail("worker-exit", f"worker {slot.number}, status {slot.ends[-1]}: {why}")

        given = {"STREAMJOIN_BROKER": broker.proxied, **environment}
        cluster = Cluster(service, folder, MOST_WORKERS, module, given, exited)
        changelog = f"{service.app_id}-state-changelog"
        scene = Scene(
            service,
            broker,
            cluster,
            Load(service, seed, tier.records, tier.event_hours),
            Watch(service, changelog),
            Views(cluster, seed),
            report,
            changelog,
            tier.session_ms / 1000,
            tier.transaction_ms / 1000,
        )
        try:
            for slot in cluster.slots[: tier.workers]:
                cluster.start(slot)
            cluster.watch()
            yield scene
        finally:
            await scene.views.stop()
            await scene.load.close()
            await scene.watch.stop()
            await cluster.close()
    finally:
        await asyncio.to_thread(broker.__exit__, None, None, None)


async def tell(scene: Scene, say: Say) -> None:
    """A line a minute."""
    while True:
        await asyncio.sleep(60)
        struck = sum(strike.struck for strike in scene.report.strikes)
        failed = sum(len(found) for found in scene.report.failed.values())
        seen = len(scene.watch.records)
        say(f"... {scene.load.written} written, {seen} read, {struck} struck, {failed} deviations")


async def faults_and_load(scene: Scene, schedule: Schedule, tier: Tier, say: Say) -> None:
    """Write, and let the faults strike until as many as wanted have."""
    await scene.whole("at the start")
    scene.watch.start()
    scene.views.start()
    # Bursts come on top of the pace.
    seconds = tier.minutes * 54 if tier.fill else len(schedule.faults) * 9
    paced = tier.records - scene.burst * 1.3 * len(schedule.faults)
    scene.load.rate = max(40.0, paced / max(seconds, 1))
    scene.load.start()
    began, rested = time.monotonic(), time.monotonic()
    for number, fault in enumerate(schedule.faults):
        if tier.fill:
            due = began + number / len(schedule.faults) * tier.minutes * 54
            await asyncio.sleep(max(due - time.monotonic(), 0))
        if time.monotonic() - began > tier.minutes * 60:
            break
        await one(scene, fault, say)
        if tier.rest_minutes and time.monotonic() - rested > tier.rest_minutes * 60:
            await judge_on_the_way(scene, say)
            rested = time.monotonic()
    await more_of_those_without_evidence(scene, schedule, began + tier.minutes * 60, say)
    await scene.load.stop()
    while scene.load.written < tier.records:
        await scene.load.burst(min(tier.records - scene.load.written, 2000))


async def more_of_those_without_evidence(
    scene: Scene, schedule: Schedule, end: float, say: Say
) -> None:
    """Try again, with further faults of the seed, what is short of its number."""
    extra = 0
    for kind, number in schedule.wanted.items():
        index = number
        while scene.report.struck(kind.value) < number and time.monotonic() < end:
            extra += 1
            fault = make_fault(schedule.seed, kind, index, len(schedule.faults) + extra)
            index += 1
            await one(scene, fault, say)
            if index > 4 * number + 10:
                break


async def one(scene: Scene, fault: Fault, say: Say) -> None:
    """One fault after its pause; an error in bringing it about is a failed check too."""
    await asyncio.sleep(fault.after)
    try:
        strike = await STRIKES[fault.kind](scene, fault)
    except Exception:
        scene.report.fail("error", f"{fault}: {traceback.format_exc()}")
        return
    scene.report.strikes.append(strike)
    recovery = "" if strike.recovery_s is None else f", on again after {strike.recovery_s:.1f} s"
    say(f"{fault}: {'struck' if strike.struck else 'NOTHING'}, {strike.evidence}{recovery}")
