"""One run: cluster, load and faults together; then rest, and the oracle's judgement."""

import asyncio
import subprocess
import time
import traceback
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path

from tests.chaos import (
    disk_faults,
    link_faults,
    other_faults,
    partition,
    three_faults,
    topic_faults,
    worker_faults,
    zombies,
)
from tests.chaos.judge import judge, judge_on_the_way
from tests.chaos.result import Report, Strike
from tests.chaos.scene import Scene
from tests.chaos.schedule import Fault, Kind, Schedule, again, make_schedule
from tests.chaos.stage import SHORT, Say, Tier, count, staged, tell
from tests.support.worker import ROOT

__all__ = ["SHORT", "Tier", "run_tier"]

STRIKES: Mapping[Kind, Callable[[Scene, Fault], Awaitable[Strike]]] = {
    Kind.KILL: worker_faults.kill,
    Kind.FAILPOINT: worker_faults.failpoint,
    Kind.ZOMBIE: zombies.zombie,
    Kind.BROKER_KILL: other_faults.broker_kill,
    Kind.BROKER_PAUSE: other_faults.broker_pause,
    Kind.SCALE: worker_faults.scale,
    Kind.DAMAGE: disk_faults.store_damage,
    Kind.PROXY: other_faults.proxy_fault,
    Kind.HIJACK: other_faults.hijacked,
    Kind.BROKER_OF_THREE: three_faults.broker_of_three,
    Kind.PARTITION: partition.cut_off,
    Kind.LATE_MARKERS: link_faults.late_markers,
    Kind.SLOW_LINK: link_faults.slow_link,
    Kind.TOPIC_DELETED: topic_faults.topic_deleted,
    Kind.DISK_FULL: disk_faults.disk_full,
}

RESULTS = "tests/chaos/results"
TRIES = 6
"""How often a fault is tried again, beyond twice, until there is evidence."""


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

    `schedule`: by default the seed's. `worker_module`: run with `-m` and the argument `worker`;
    `environment`: of each worker. `folder`: for data and logs of broker and workers. Whatever the
    service does is a failed check, never raised.
    """
    schedule = schedule or make_schedule(seed, tier.wanted)
    report = blank(schedule, tier, str(folder))
    report.commit, report.dirty = await asyncio.to_thread(build)
    began = time.monotonic()
    async with staged(tier, folder, worker_module, environment or {}, report) as scene:
        telling = asyncio.create_task(tell(scene, say), name="progress")
        try:
            await faults_and_load(scene, schedule, tier, say)
            await judge(scene, say)
        except (Exception, asyncio.CancelledError):  # Whatever it is, the report has to be had.
            report.fail("error", traceback.format_exc())
        count(scene, began, telling)
    return report


def blank(schedule: Schedule, tier: Tier, logs: str) -> Report:
    """The report of a run that begins now."""
    return Report(
        schedule.seed,
        [str(fault) for fault in schedule.faults],
        f"python -m tests.chaos.soak --tier {tier.name} --brokers {tier.brokers}"
        f" --seed {schedule.seed}",
        datetime.now(UTC).isoformat(timespec="seconds"),
        schedule.by_name,
        logs=logs,
        forms=schedule.forms,
        limits=dict(tier.limits),
    )


def build() -> tuple[str, bool]:
    """The commit that is checked out, and whether the tree differs from it; ("", True) if unknown.

    Raw results of other runs are no part of the build.
    """
    said = []
    for command in (("rev-parse", "HEAD"), ("status", "--porcelain", "--", ".", f":!{RESULTS}")):
        try:
            done = subprocess.run(
                ["git", *command], cwd=ROOT, capture_output=True, text=True, check=True
            )
        except (OSError, subprocess.CalledProcessError):
            return "", True
        said.append(done.stdout.strip())
    return said[0], bool(said[1])


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
    """Try again, form by form, what is short of its number; each some times more than it is."""
    number = len(schedule.faults)
    for (kind, form), short in scene.report.missing().items():
        for _ in range(2 * short + TRIES):
            if scene.report.struck(kind, form) >= schedule.forms[kind][form or ""]:
                break
            if time.monotonic() > end:
                return
            number += 1
            await one(scene, again(schedule.seed, schedule.first(kind, form or ""), number), say)


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
