"""The network in two: a worker and one broker cut off from all others."""

import asyncio
import os
from collections.abc import Mapping

import psutil

from tests.chaos.cluster import Slot
from tests.chaos.copies import in_sync, moved
from tests.chaos.proxy import Way
from tests.chaos.result import Strike
from tests.chaos.scene import Scene, now_ms
from tests.chaos.schedule import WITH_COORDINATOR, Fault
from tests.chaos.three_faults import some_led_by
from tests.chaos.zombies import stale_answers
from tests.support.admin import admin_of
from tests.support.three_brokers import NODES
from tests.support.topics import Ends

TAKEOVER_SECONDS = 120.0


class Sides:
    """Which connections cross from one side to the other. Asked in the proxies' threads.

    A connection is its process's, by the ports of both ends. `crossed`: those held up.
    """

    def __init__(self, inside: Mapping[int, bool], node: int) -> None:
        """`inside`: {process id: whether it is with `node` on the small side}."""
        self._inside = dict(inside)
        self._node = node
        self._owners: dict[tuple[int, int], bool | None] = {}
        self.crossed: set[Way] = set()

    def apart(self, way: Way) -> bool:
        """Whether nothing passes on this way."""
        ends = way.client, way.port
        if ends not in self._owners:
            self._look()
            self._owners.setdefault(ends, None)
        inside = self._owners[ends]
        cut = inside is not None and inside is not (way.node == self._node)
        if cut:
            self.crossed.add(way)
        return cut

    def _look(self) -> None:
        for pid, inside in self._inside.items():
            try:
                found = psutil.Process(pid).net_connections("tcp")
            except psutil.Error:
                continue
            self._owners |= {(c.laddr[1], c.raddr[1]): inside for c in found if c.raddr}


async def coordinator(scene: Scene) -> int:
    """The node that keeps the group."""
    async with admin_of(scene.service.bootstrap) as admin:
        return int(await admin.find_coordinator(scene.service.app_id))


async def cut_off(scene: Scene, fault: Fault) -> Strike:
    """A worker sees one broker only, which sees no other: others take over; then all is whole."""
    await scene.at_least(2, str(fault))
    await scene.each_owns(str(fault))
    assert await in_sync(scene.three), f"{fault}: not all copies were in sync before it"
    keeper = await coordinator(scene)
    others = [node for node in NODES if node != keeper]
    along = fault.detail == WITH_COORDINATOR
    node = keeper if along else others[fault.target % len(others)]
    slot, led = scene.cluster.pick(fault.target), await some_led_by(scene, node)
    await scene.load.burst(scene.burst)
    at, partitions = now_ms(), slot.assigned
    sides = severed(scene, slot, node)
    try:
        moving = asyncio.create_task(moved(scene.three, node, led))
        takeover = await taken_over(scene, partitions)
        _, stale = await stale_answers(scene, slot, seen(scene))
        others_lead = await moving
    finally:
        scene.three.proxy.sever(None)
        scene.three.between.sever(None)
    note_stale(scene, fault, stale, along=along)
    recovery = await scene.commits_after(now_ms(), frozenset(scene.partitions), str(fault))
    await scene.whole(str(fault))
    struck = bool(partitions and led) and others_lead and takeover is not None
    evidence = (
        f"worker {slot.number} with node {node}: {len(sides.crossed)} connections held up, others "
        f"lead its {len(led)} partitions: {others_lead}, own the worker's {sorted(partitions)} "
        f"after {takeover} s; {len(stale)} stale answers"
    )
    made = scene.strike(fault, at, evidence, struck=struck, recovery=recovery)
    made.standstill_s = max(scene.watch.standstill(n, at, now_ms()) for n in scene.partitions)
    return made


def severed(scene: Scene, slot: Slot, node: int) -> Sides:
    """Cut the worker and the node off, as the proxies see processes."""
    inside = {scene.three.pid(number): number == node for number in NODES} | {os.getpid(): False}
    for other in scene.cluster.running:
        if other.worker is not None:
            inside[other.worker.process.pid] = other is slot
    sides = Sides(inside, node)
    scene.three.proxy.sever(sides.apart)
    scene.three.between.sever(sides.apart)
    return sides


async def taken_over(scene: Scene, partitions: frozenset[int]) -> float | None:
    """Seconds until other workers have committed in these partitions; None: they have not."""
    began = now_ms()
    # A commit that was under way is the cut-off worker's own.
    since = began + int(scene.session_s * 1000)
    while now_ms() - began < TAKEOVER_SECONDS * 1000:
        found = [scene.watch.first_commit(number, since) for number in partitions]
        if all(found):
            return (max(filter(None, found)) - began) / 1000
        await asyncio.sleep(0.1)
    return None


def seen(scene: Scene) -> Ends:
    """The offsets that the running reader has seen committed: it asks no broker for them."""
    offsets = scene.watch.offsets.items()
    return {(topic, number): at for number, of in offsets for topic, at in of.items()}


def note_stale(scene: Scene, fault: Fault, stale: list[str], *, along: bool) -> None:
    """What the worker answered after the takeover that was older than it.

    One that is cut off together with its coordinator is told by it that it is a member: the
    classic group protocol has nothing to show that the broker itself is cut off.
    """
    if along:
        numbers = scene.report.numbers
        key = "stale answers beside a coordinator that was cut off"
        numbers[key] = numbers.get(key, 0) + len(stale)
        return
    for line in stale:
        scene.report.fail("zombie-view", f"{fault}: {line}")
