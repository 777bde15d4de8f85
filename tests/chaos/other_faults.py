"""Faults of the broker, and of the way to it."""

import asyncio
import time

from tests.chaos.hijack import hijack
from tests.chaos.proxy import Api, Rule
from tests.chaos.result import Strike
from tests.chaos.scene import Scene, now_ms
from tests.chaos.schedule import Fault, proxied
from tests.chaos.zombies import rejection


async def broker_kill(scene: Scene, fault: Fault) -> Strike:
    """kill -9 of the broker while it is written to; started again."""
    before = await scene.input_ends()
    writing = asyncio.create_task(scene.load.burst(scene.burst))
    await asyncio.sleep(fault.target / 400)
    await asyncio.to_thread(scene.one.kill)
    pending = scene.load.pending
    at = now_ms()
    await asyncio.sleep(fault.seconds)
    await asyncio.to_thread(scene.one.restart)
    back = now_ms()
    everything = frozenset(scene.partitions)
    flight = await scene.in_flight(before, everything)
    await writing
    recovery = await scene.commits_after(back, everything, str(fault))
    await scene.whole(str(fault))
    evidence = f"{pending} records unacknowledged at the kill, {flight} at the return"
    struck = pending > 0 or flight.lag > 0
    return scene.strike(fault, at, evidence, struck=struck, recovery=recovery)


async def broker_pause(scene: Scene, fault: Fault) -> Strike:
    """SIGSTOP of the broker while it is written to."""
    before, at = await scene.input_ends(), now_ms()
    writing = await paused_amid(scene, fault.target / 400)
    pending = scene.load.pending
    await asyncio.sleep(fault.seconds)
    scene.one.resume()
    back = now_ms()
    everything = frozenset(scene.partitions)
    flight = await scene.in_flight(before, everything)
    await writing
    recovery = await scene.commits_after(back, everything, str(fault))
    await scene.whole(str(fault))
    evidence = f"{pending} records unacknowledged at the stop, {flight} at the return"
    struck = pending > 0 or flight.lag > 0
    return scene.strike(fault, at, evidence, struck=struck, recovery=recovery)


async def paused_amid(scene: Scene, delay: float) -> "asyncio.Task[None]":
    """Stop the broker while records are unacknowledged; what writes them."""
    for tried in range(50):
        writing = asyncio.create_task(scene.load.burst(scene.burst))
        await asyncio.sleep(delay / (1 + tried))
        scene.one.pause()
        if scene.load.pending:
            break
        # It was just between two pieces: as long as this takes, nobody has noticed.
        scene.one.resume()
        await writing
    return writing


async def proxy_fault(scene: Scene, fault: Fault) -> Strike:
    """A request of a transaction, or its answer, is held or lost between worker and broker."""
    index, number = int(fault.detail), fault.target % scene.service.partitions
    (api, action), at = proxied(index), now_ms()
    of_group = api is Api.HEARTBEAT
    name = None if of_group else f"{scene.service.app_id}-{number}"
    hold = 0.5 + scene.transaction_s * (1.5 if index % 3 == 0 else 0.2)
    rule = Rule(api, action, transactional_id=name, seconds=hold)
    scene.broker.proxy.add(rule)
    await scene.load.burst(scene.burst)
    if api is Api.INIT_PRODUCER_ID:
        owner = next((s for s in scene.cluster.running if number in s.assigned), None)
        if owner is not None:
            scene.cluster.kill(owner)
            scene.cluster.start(owner)
    end = time.monotonic() + 40
    while not rule.strikes and time.monotonic() < end:
        await scene.load.burst(10)
        await asyncio.sleep(0.1)
    hit = now_ms()
    await asyncio.sleep(hold)
    rule.release()
    recovery = await scene.commits_after(hit, frozenset({number}), str(fault))
    await scene.whole(str(fault))
    scene.broker.proxy.rules.remove(rule)
    return scene.strike(fault, at, rule, struck=bool(rule.strikes), recovery=recovery)


async def hijacked(scene: Scene, fault: Fault) -> Strike:
    """Somebody else initialises a worker's transactional id."""
    number = fault.target % scene.service.partitions
    owner = next((s for s in scene.cluster.running if number in s.assigned), None)
    at, mark = now_ms(), owner.mark if owner else 0
    await scene.load.burst(scene.burst)
    async with hijack(scene.service.bootstrap, f"{scene.service.app_id}-{number}"):
        await scene.load.burst(scene.burst)
    line = await rejection(owner, mark) if owner else ""
    recovery = await scene.commits_after(at, frozenset({number}), str(fault))
    await scene.whole(str(fault))
    return scene.strike(
        fault, at, line or "nothing was rejected", struck=bool(line), recovery=recovery
    )
