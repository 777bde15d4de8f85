"""Faults of worker processes: killed at random or at a failpoint, frozen, more and fewer."""

import asyncio
import re
import time

from app.engine import failpoints
from tests.chaos.cluster import Slot
from tests.chaos.result import Strike
from tests.chaos.scene import Scene, now_ms
from tests.chaos.schedule import Fault
from tests.chaos.stores import delete_stores
from tests.oracle.exact_numbers import partition_of
from tests.support.topics import Ends

REJECTED = re.compile(
    r".*(Fenced|InvalidProducerEpoch|InvalidTxnState|no longer knows this member"
    r"|UnknownMemberId|IllegalGeneration|InvalidProducerIdMapping).*"
)
"""What a worker logs when the broker has rejected what it did."""
GAVE_UP = re.compile(r".*the transaction of \S+ failed.*")
"""What a worker logs that wakes so late that it does not even ask the broker."""
ABORT_SECONDS = 11.0
"""A broker looks every 10 s for transactions that have timed out."""
SETTLE_SECONDS = 60.0


async def kill(scene: Scene, fault: Fault) -> Strike:
    """kill -9 while records are in flight; started again on its folder after a while."""
    slot = scene.cluster.pick(fault.target)
    writing = asyncio.create_task(scene.load.burst(scene.burst))
    await asyncio.sleep(fault.target / 400)
    before, partitions = await scene.input_ends(), slot.assigned
    scene.cluster.kill(slot)
    at = now_ms()
    flight = await scene.in_flight(before, partitions)
    await writing
    await asyncio.sleep(fault.seconds)
    scene.cluster.start(slot)
    struck = flight.lag > 0 and bool(partitions)
    recovery = None
    if not fault.overlap:
        recovery = await scene.commits_after(at, partitions, str(fault))
        await scene.whole(str(fault))
    return scene.strike(fault, at, flight, struck=struck, recovery=recovery)


async def failpoint(scene: Scene, fault: Fault) -> Strike:
    """Started again, armed; it kills itself at the named place."""
    slot, name = scene.cluster.pick(fault.target), fault.detail.partition(":")[0]
    if name == failpoints.IN_RECOVERY:
        scene.cluster.kill(slot)
        delete_stores(slot.folder)
    else:
        await scene.stop(slot, str(fault))
    await scene.load.burst(scene.burst)
    scene.cluster.start(slot, fault.detail)
    died, before = await dies(scene, slot, terminate=name == failpoints.ON_REVOKE)
    at, partitions = now_ms(), slot.assigned
    flight = await scene.in_flight(before, partitions or frozenset(scene.partitions))
    scene.cluster.kill(slot)
    scene.cluster.start(slot)
    recovery = None
    if not fault.overlap:
        recovery = await scene.commits_after(at, partitions, str(fault))
        await scene.whole(str(fault))
    evidence = f"died by SIGKILL itself, {flight}" if died else "did not die"
    return scene.strike(fault, at, evidence, struck=died, recovery=recovery)


async def dies(scene: Scene, slot: Slot, *, terminate: bool) -> tuple[bool, Ends]:
    """Whether an armed worker dies by itself, while records come; what lay there before it did."""
    end = time.monotonic() + SETTLE_SECONDS
    before = now = await scene.input_ends()
    while slot.alive and time.monotonic() < end:
        if terminate and slot.ready and slot.worker is not None:
            slot.worker.process.terminate()
            terminate = False
        await scene.load.burst(20)
        before, now = now, await scene.input_ends()
    return slot.worker is not None and slot.worker.process.poll() == -9, before


async def zombie(scene: Scene, fault: Fault) -> Strike:
    """SIGSTOP beyond the session, or beyond the transaction's time too; then SIGCONT."""
    await scene.at_least(2, str(fault))
    await scene.load.burst(scene.burst)
    slot = scene.cluster.pick(fault.target)
    before, partitions = await scene.input_ends(), slot.assigned
    scene.cluster.freeze(slot)
    at, frozen, mark = now_ms(), time.monotonic(), slot.mark
    flight = await scene.in_flight(before, partitions)
    recovery = await scene.commits_after(at, partitions, f"{fault} (takeover)")
    long = scene.transaction_s + ABORT_SECONDS if fault.detail == "transaction" else 0.0
    sleep = max(scene.session_s, long) + fault.seconds
    await asyncio.sleep(max(frozen + sleep - time.monotonic(), 0))
    done = await scene.committed()
    scene.cluster.thaw(slot)
    await ask_zombie(scene, slot, done, str(fault))
    line = await rejection(slot, mark)
    if not line and flight.open and (gave_up := GAVE_UP.search(slot.since(mark))):
        # A partition's new owner has committed: the broker has aborted what was open there.
        line = f"aborted by the broker while it slept: {gave_up.group(0)[:200]}"
    woken = now_ms()
    if not fault.overlap:
        await scene.whole(str(fault))
        await scene.commits_after(woken, partitions, str(fault))
    evidence = f"{flight}; rejected: {line}" if line else f"{flight}; nothing was rejected"
    return scene.strike(fault, at, evidence, struck=bool(line), recovery=recovery)


async def rejection(slot: Slot, mark: int, seconds: float = 15.0) -> str:
    """The line that says that the broker has rejected the worker; empty if there is none."""
    end = time.monotonic() + seconds
    while True:
        found = REJECTED.search(slot.since(mark))
        if found is not None or time.monotonic() > end:
            return found.group(0)[:300] if found else ""
        await asyncio.sleep(0.1)


async def ask_zombie(scene: Scene, slot: Slot, done: dict[tuple[str, int], int], why: str) -> None:
    """Its views refuse, or show what was committed before it woke: `done`."""
    end, number = time.monotonic() + 1.5, 0
    while time.monotonic() < end:
        number += 1
        user = f"u{number % 20 + 1}"
        status, body = await scene.cluster.get(slot, f"/v1/users/{user}/totals")
        if status == 200:
            place = partition_of(user.encode(), scene.service.partitions)
            for topic, offset in body["offsets"].items():
                if offset < done.get((topic, place), 0):
                    committed_there = done[topic, place]
                    scene.report.fail(
                        "zombie-view", f"{why}: {user} {topic} {offset}, {committed_there} before"
                    )
        await asyncio.sleep(0.02)


async def scale(scene: Scene, fault: Fault) -> Strike:
    """More or fewer workers while records come."""
    wanted = int(fault.detail)
    await scene.load.burst(scene.burst)
    before, at = await scene.input_ends(), now_ms()
    running = scene.cluster.running
    for slot in scene.cluster.slots:
        if not slot.wanted and len(scene.cluster.running) < wanted:
            scene.cluster.start(slot)
    leaving = running[wanted:]
    flight = await scene.in_flight(before, frozenset(scene.partitions))
    await asyncio.gather(*(scene.stop(slot, str(fault)) for slot in leaving))
    whole = await scene.whole(str(fault))
    await scene.commits_after(now_ms(), frozenset(scene.partitions), str(fault))
    changed = len(running) != wanted
    evidence = f"{len(running)} to {wanted} workers, {flight}"
    struck = whole and changed and flight.lag > 0
    return scene.strike(fault, at, evidence, struck=struck, recovery=None)
