"""Workers that are frozen until others have taken over, and wake up then."""

import asyncio
import re
import time
from contextlib import suppress
from typing import NamedTuple

from tests.chaos.cluster import Slot
from tests.chaos.proxy import Action, Api, Rule
from tests.chaos.result import Strike
from tests.chaos.scene import Scene, now_ms
from tests.chaos.schedule import BEYOND_TRANSACTION, Fault
from tests.oracle.exact_numbers import partition_of
from tests.support.topics import Ends

REFUSALS = {
    47: "InvalidProducerEpoch",
    48: "InvalidTxnState",
    49: "InvalidProducerIdMapping",
    90: "ProducerFenced",
}
"""What the broker says to the end of a transaction that is no longer its sender's."""
REJECTED = re.compile(rf".*({'|'.join(REFUSALS.values())}|Fenced).*")
"""What a worker logs when the broker has rejected what it wrote."""
ABORT_SECONDS = 11.0
"""A broker looks every 10 s for transactions that have timed out."""
HOLD_SECONDS = 180.0
"""Longer than any zombie sleeps."""
CATCH_SECONDS = 30.0


class Woken(NamedTuple):
    """What a zombie did when it woke. `refused`: how the broker refused it, empty if it did not;
    `rejoined`: seconds until it was a member again, ready, and every partition owned.
    """

    answers: int
    refused: str
    rejoined: float | None


async def zombie(scene: Scene, fault: Fault) -> Strike:
    """SIGSTOP beyond the session, or inside a transaction beyond its time too; then SIGCONT."""
    await scene.at_least(2, str(fault))
    await scene.load.burst(scene.burst)
    slot, inside = scene.cluster.pick(fault.target), fault.detail == BEYOND_TRANSACTION
    held = await held_end(scene, slot, fault.target) if inside else None
    try:
        before, partitions = await scene.input_ends(), slot.assigned
        scene.cluster.freeze(slot)
        at, frozen, mark = now_ms(), time.monotonic(), slot.mark
        flight = await scene.in_flight(before, partitions)
        recovery = await scene.commits_after(at, partitions, f"{fault} (takeover)")
        long = scene.transaction_s + ABORT_SECONDS if inside else 0.0
        sleep = max(scene.session_s, long) + fault.seconds
        await asyncio.sleep(max(frozen + sleep - time.monotonic(), 0))
        woken = await wake(scene, slot, held, mark, str(fault))
    finally:
        if held is not None:
            held.release()
            scene.broker.proxy.rules.remove(held)
    await scene.commits_after(now_ms(), partitions, str(fault))
    evidence = f"{flight}; {woken.answers} views answered; refused: {woken.refused or 'nothing'}"
    struck = bool(woken.refused) and (flight.open > 0 or not inside)
    strike = scene.strike(fault, at, evidence, struck=struck, recovery=recovery)
    strike.rejoin_s = woken.rejoined
    return strike


async def held_end(scene: Scene, slot: Slot, target: int) -> Rule:
    """Keep the end of one of a worker's transactions from the broker; it is open from then on."""
    owned = sorted(slot.assigned)
    number = owned[target % len(owned)] if owned else 0
    name = f"{scene.service.app_id}-{number}"
    rule = Rule(Api.END_TXN, Action.HOLD_REQUEST, name, seconds=HOLD_SECONDS)
    scene.broker.proxy.add(rule)
    end = time.monotonic() + CATCH_SECONDS
    while not rule.strikes and time.monotonic() < end:
        await scene.load.burst(20)
    return rule


async def wake(scene: Scene, slot: Slot, held: Rule | None, mark: int, why: str) -> Woken:
    """SIGCONT; its views and its writes from then on."""
    done = await scene.committed()
    async with asyncio.TaskGroup() as group:
        scene.cluster.thaw(slot)
        rejoined = group.create_task(rejoins(scene, why))
        if held is not None:
            held.release()
        answers = await ask_zombie(scene, slot, done, why)
        refused = await (rejection(slot, mark) if held is None else refusal(scene, held, why))
    return Woken(answers, refused, rejoined.result())


async def rejoins(scene: Scene, why: str) -> float | None:
    """Seconds from now until all workers are ready and own all partitions, each one once.

    Not so while the zombie still says that it owns what others have taken over.
    """
    began = time.monotonic()
    return time.monotonic() - began if await scene.whole(why) else None


async def refusal(scene: Scene, held: Rule, why: str) -> str:
    """How the broker refused the end of the transaction; that it took it is a failed check."""
    with suppress(AssertionError):
        await held.answered(seconds=15.0)
    for strike in held.strikes:
        if strike.error == 0:
            scene.report.fail("zombie-write", f"{why}: {strike.request}, after the takeover")
        if strike.error in REFUSALS:
            return f"EndTxn of {strike.request.transactional_id}: {REFUSALS[strike.error]}"
    return ""


async def rejection(slot: Slot, mark: int, seconds: float = 15.0) -> str:
    """The line that says that the broker has rejected the worker; empty if there is none."""
    end = time.monotonic() + seconds
    while True:
        found = REJECTED.search(slot.since(mark))
        if found is not None or time.monotonic() > end:
            return found.group(0)[:300] if found else ""
        await asyncio.sleep(0.1)


async def ask_zombie(scene: Scene, slot: Slot, done: Ends, why: str) -> int:
    """Its views refuse, or show what was committed before it woke: `done`. How many answered."""
    answered, stale = await stale_answers(scene, slot, done)
    for line in stale:
        scene.report.fail("zombie-view", f"{why}: {line}")
    return answered


async def stale_answers(scene: Scene, slot: Slot, done: Ends) -> tuple[int, list[str]]:
    """How many views a worker answers, and where they are behind what was committed: `done`."""
    end, number, answered = time.monotonic() + 1.5, 0, 0
    stale: list[str] = []
    while time.monotonic() < end:
        number += 1
        user = f"u{number % 20 + 1}"
        status, body = await scene.cluster.get(slot, f"/v1/users/{user}/totals")
        if status == 200:
            answered += 1
            place = partition_of(user.encode(), scene.service.partitions)
            stale += behind(user, body["offsets"], place, done)
        await asyncio.sleep(0.02)
    return answered, stale


def behind(user: str, offsets: dict[str, int], partition: int, done: Ends) -> list[str]:
    """Where an answer's offsets lie before those that were committed already."""
    return [
        f"{user} {topic} {offset}, {done[topic, partition]} before"
        for topic, offset in offsets.items()
        if offset < done.get((topic, partition), 0)
    ]
