"""Faults of one broker of three, and of two of them."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from models.topics import Direction
from tests.chaos.copies import (
    Leaders,
    elect_preferred,
    in_sync,
    leaders,
    moved,
    unpreferred,
)
from tests.chaos.result import Strike
from tests.chaos.scene import Scene, now_ms
from tests.chaos.schedule import Fault
from tests.support.three_brokers import NODES

LEAD_SECONDS = 30.0


@dataclass
class Away:
    """What became of a fault: `evidence` in words, whether it `struck`; `back`: when its cause was
    over, epoch ms.
    """

    evidence: str
    struck: bool
    back: int


async def broker_of_three(scene: Scene, fault: Fault) -> Strike:
    """What happens to one node or two while all is written to; then all copies are in sync again.

    `standstill_s`: the longest time without a commit in any partition.
    """
    assert await in_sync(scene.three), f"{fault}: not all copies were in sync before it"
    at = now_ms()
    writing = asyncio.create_task(scene.load.burst(scene.burst))
    await asyncio.sleep(fault.target / 400)
    happening = FORMS[fault.detail.partition(" ")[0]]
    away = await happening(scene, fault)
    everything = frozenset(scene.partitions)
    recovery = await scene.commits_after(away.back, everything, str(fault))
    await writing
    await scene.whole(str(fault))
    stood = max(scene.watch.standstill(number, at, away.back) for number in everything)
    if not await in_sync(scene.three):
        scene.report.fail("error", f"{fault}: copies do not come in sync")
    evidence = f"{away.evidence}; at most {stood:.1f} s without a commit"
    strike = scene.strike(fault, at, evidence, struck=away.struck, recovery=recovery)
    strike.standstill_s = stood
    return strike


async def led_by(scene: Scene, node: int) -> Leaders:
    """Partitions of the service's topics that this node leads; asked of it."""
    names = {*scene.service.of(*Direction), scene.changelog}
    found = await leaders(scene.three, node)
    return {place: n for place, n in found.items() if n == node and place[0] in names}


async def some_led_by(scene: Scene, node: int) -> Leaders:
    """The same; a node that came back leads nothing until leaders are elected."""
    led, end = await led_by(scene, node), time.monotonic() + LEAD_SECONDS
    while not led and time.monotonic() < end:
        await elect_preferred(scene.three)
        await asyncio.sleep(0.2)
        led = await led_by(scene, node)
    return led


def node_of(fault: Fault) -> int:
    """Whom it strikes."""
    return NODES[fault.target % len(NODES)]


async def killed(scene: Scene, fault: Fault) -> Away:
    """kill -9, and started again."""
    return await one_away(scene, fault, scene.three.kill, scene.three.start)


async def stopped(scene: Scene, fault: Fault) -> Away:
    """SIGTERM, and started again."""
    return await one_away(scene, fault, scene.three.stop, scene.three.start)


async def frozen(scene: Scene, fault: Fault) -> Away:
    """SIGSTOP beyond the node's session, and SIGCONT."""
    return await one_away(scene, fault, scene.three.pause, scene.three.resume)


async def one_away(
    scene: Scene, fault: Fault, leave: Callable[[int], None], come: Callable[[int], None]
) -> Away:
    """One node leaves and comes back; it counts if others came to lead what it led."""
    node = node_of(fault)
    led = await some_led_by(scene, node)
    pending = scene.load.pending
    await asyncio.to_thread(leave, node)
    moving = asyncio.create_task(moved(scene.three, node, led))
    await asyncio.sleep(fault.seconds)
    await asyncio.to_thread(come, node)
    back, others_lead = now_ms(), await moving
    evidence = (
        f"node {node} led {len(led)} partitions of the service, "
        f"{'all led by others since' if others_lead else 'not all led by others since'}; "
        f"{pending} records unacknowledged"
    )
    return Away(evidence, bool(led) and others_lead, back)


async def rolling(scene: Scene, fault: Fault) -> Away:
    """Each node in turn is stopped and started, as an operator does it: once all are in sync."""
    turns = []
    for step in range(len(NODES)):
        turn = await stopped(scene, turned(fault, step))
        turns.append(turn)
        assert await in_sync(scene.three), f"{fault}: copies do not come in sync"
    return Away(
        " | ".join(turn.evidence for turn in turns), all(t.struck for t in turns), turns[-1].back
    )


def turned(fault: Fault, step: int) -> Fault:
    """The same fault of the next node but so many."""
    return Fault(fault.number, fault.kind, 0, fault.target + step, fault.detail, fault.seconds)


async def led_elsewhere(scene: Scene, fault: Fault) -> Away:
    """Preferred leaders are elected; if they all lead already, a restart moves them first."""
    before = await unpreferred(scene.three)
    if not before:
        await stopped(scene, fault)
        assert await in_sync(scene.three), f"{fault}: copies do not come in sync"
        before = await unpreferred(scene.three)
    await elect_preferred(scene.three)
    after = await unpreferred(scene.three)
    evidence = f"{len(before) - len(after)} of {len(before)} partitions led by another node"
    return Away(evidence, len(after) < len(before), now_ms())


async def two_away(scene: Scene, fault: Fault) -> Away:
    """Two nodes die or freeze: nothing is committed until they are back, and then all goes on."""
    one = node_of(fault)
    nodes = [one, NODES[one % len(NODES)]]
    froze = fault.detail.endswith("frozen")
    leave, come = (
        (scene.three.pause, scene.three.resume) if froze else (scene.three.kill, scene.three.start)
    )
    await asyncio.to_thread(leave, *nodes)
    at = now_ms()
    await asyncio.sleep(fault.seconds)
    back = now_ms()
    await asyncio.to_thread(come, *nodes)
    await scene.commits_after(now_ms(), frozenset(scene.partitions), str(fault))
    # What was under way at that moment may have been taken by all three.
    while_away = [
        time for times in scene.watch.commits.values() for time in times if at + 2000 < time < back
    ]
    evidence = f"nodes {nodes} away for {fault.seconds:.0f} s, {len(while_away)} commits meanwhile"
    return Away(evidence, not while_away, now_ms())


FORMS: dict[str, Callable[[Scene, Fault], Awaitable[Away]]] = {
    "kill": killed,
    "stop": stopped,
    "freeze": frozen,
    "rolling": rolling,
    "leaders": led_elsewhere,
    "two": two_away,
}
