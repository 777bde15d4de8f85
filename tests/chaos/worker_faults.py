"""Faults of worker processes: killed at random or at a failpoint, more and fewer of them."""

import asyncio
import signal
import time
from typing import NamedTuple

from app.engine import failpoints
from tests.chaos.cluster import Slot
from tests.chaos.result import Strike
from tests.chaos.scene import Scene, now_ms
from tests.chaos.schedule import SCALES, Fault
from tests.chaos.stores import delete_stores
from tests.support.topics import Ends

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
    await scene.each_owns(str(fault))
    slot, name = scene.cluster.pick(fault.target), fault.detail.partition(":")[0]
    if name == failpoints.IN_RECOVERY:
        scene.cluster.kill(slot)
        delete_stores(slot.folder)
    else:
        await scene.stop(slot, str(fault))
    await scene.load.burst(scene.burst)
    scene.cluster.start(slot, fault.detail)
    death = await dies(scene, slot, terminate=name == failpoints.ON_REVOKE)
    partitions = slot.assigned or frozenset(scene.partitions)
    flight = await scene.in_flight(death.before, partitions)
    scene.cluster.kill(slot)
    scene.cluster.start(slot)
    recovery = None
    if not fault.overlap:
        recovery = await scene.commits_after(death.at, partitions, str(fault))
        await scene.whole(str(fault))
    struck = death.status == -signal.SIGKILL
    ended = "did not die" if death.status is None else f"ended with status {death.status}"
    evidence = f"died by SIGKILL itself, {flight}" if struck else ended
    return scene.strike(fault, death.at, evidence, struck=struck, recovery=recovery)


class Death(NamedTuple):
    """How an armed worker ended, and when (epoch ms). `before`: what lay in the inputs by then."""

    status: int | None
    at: int
    before: Ends


async def dies(scene: Scene, slot: Slot, *, terminate: bool) -> Death:
    """Wait for an armed worker to die by itself, while records come."""
    assert slot.worker is not None
    process, end = slot.worker.process, time.monotonic() + SETTLE_SECONDS

    async def moment() -> int:
        while True:
            if process.poll() is not None or time.monotonic() > end:
                return now_ms()
            await asyncio.sleep(0.02)

    ending = asyncio.create_task(moment())
    before = now = await scene.input_ends()
    while not ending.done():
        if terminate and slot.ready:
            scene.cluster.tell(slot)
            terminate = False
        await scene.load.burst(20)
        before, now = now, await scene.input_ends()
    return Death(process.poll(), await ending, before)


async def scale(scene: Scene, fault: Fault) -> Strike:
    """More or fewer workers while records come."""
    wanted = int(fault.detail)
    if wanted == SCALES[0]:
        await only(scene, SCALES[-1], str(fault))
    elif len(scene.cluster.running) == wanted:
        await aside(scene, wanted, str(fault))
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


async def only(scene: Scene, workers: int, why: str) -> None:
    """Leave no more than so many workers."""
    leaving = scene.cluster.running[workers:]
    await asyncio.gather(*(scene.stop(slot, why) for slot in leaving))
    await scene.whole(why)


async def aside(scene: Scene, workers: int, why: str) -> None:
    """Leave a number of workers that is to be reached."""
    if workers > 1:
        await scene.stop(scene.cluster.running[-1], why)
        await scene.whole(why)
    else:
        await scene.at_least(workers + 1, why)
