"""Faults of the ways between workers and brokers, and between brokers."""

import asyncio

from tests.chaos.proxy import Action, Api, Rule
from tests.chaos.result import Strike
from tests.chaos.scene import Scene, now_ms
from tests.chaos.schedule import Fault

SLOW_BYTES = 2_000_000
"""Bytes a second over the slow link, of all workers together."""
BACKLOG = 2000
FILLED, FILLER = 80, 100_000
"""So many records with so many bytes each come on top: seconds of the slow link."""


async def late_markers(scene: Scene, fault: Fault) -> Strike:
    """Commits are accepted, and not yet marked in the partitions, for `seconds`.

    Meanwhile nothing else happens, or the owner dies, or others come and partitions move.
    """
    await scene.at_least(2, str(fault))
    everything, at = frozenset(scene.partitions), now_ms()
    before = await scene.input_ends()
    markers = Rule(
        Api.WRITE_TXN_MARKERS, Action.HOLD_REQUEST, times=1_000_000, seconds=fault.seconds
    )
    scene.broker.between.add(markers)
    try:
        await scene.load.burst(scene.burst)
        await meanwhile(scene, fault)
        await asyncio.sleep(fault.seconds)
        flight = await scene.in_flight(before, everything)
    finally:
        markers.release()
        scene.broker.between.rules.remove(markers)
    recovery = await scene.commits_after(now_ms(), everything, str(fault))
    await scene.whole(str(fault))
    evidence = f"{len(markers.strikes)} requests with markers held for {fault.seconds:.1f} s; "
    struck = bool(markers.strikes) and flight.open > 0
    return scene.strike(fault, at, f"{evidence}{flight}", struck=struck, recovery=recovery)


async def meanwhile(scene: Scene, fault: Fault) -> None:
    """What happens while markers are late."""
    if fault.detail == "kill":
        slot = scene.cluster.pick(fault.target)
        scene.cluster.kill(slot)
        scene.cluster.start(slot)
    elif fault.detail == "rebalance":
        idle = [slot for slot in scene.cluster.slots if not slot.wanted]
        if idle:
            scene.cluster.start(idle[0])
        else:
            await scene.stop(scene.cluster.running[-1], str(fault))


async def slow_link(scene: Scene, fault: Fault) -> Strike:
    """All workers come back to a backlog over a slow link, which lasts until it is taken."""
    running = scene.cluster.running
    await asyncio.gather(*(scene.stop(slot, str(fault)) for slot in running))
    at, waited = now_ms(), scene.broker.proxy.waited
    await scene.load.burst(FILLED, FILLER)
    await scene.load.burst(BACKLOG)
    before = await scene.input_ends()
    scene.broker.proxy.slow(SLOW_BYTES)
    try:
        for slot in running:
            scene.cluster.start(slot)
        await scene.whole(str(fault))
        flight = await scene.in_flight(before, frozenset(scene.partitions))
        recovery = await scene.commits_after(at, frozenset(scene.partitions), str(fault))
        taken = await scene.taken(before, str(fault))
    finally:
        scene.broker.proxy.slow(0)
    await scene.whole(str(fault))
    waited = scene.broker.proxy.waited - waited
    evidence = f"frames waited {waited:.0f} s in all; {flight} when all were ready"
    struck = taken and waited > 1.0 and flight.lag > 0
    return scene.strike(fault, at, evidence, struck=struck, recovery=recovery)
