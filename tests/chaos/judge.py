"""The oracle's judgement of a run, at the end and on the way."""

import asyncio
import time
from collections import Counter
from collections.abc import Callable

from tests.chaos.changelog import changelog_at_rest
from tests.chaos.rest import (
    check_lso,
    check_outputs,
    check_stores,
    check_views,
    check_watched,
    model,
)
from tests.chaos.scene import Scene
from tests.oracle.compare_order import compare_ready
from tests.oracle.model import Expected
from tests.oracle.records import DEAD, LATE, PURCHASES, Record
from tests.support.topics import Ends, until

Say = Callable[[str], None]
REST_SECONDS = 240.0
READY = 1500
"""Records of the last piece."""


async def judge(scene: Scene, say: Say) -> None:
    """Reach rest and hold everything against everything. Ends the workers."""
    rested = await reach_rest(scene)
    await scene.views.stop()
    since = await ready_piece(scene) if rested else None
    if since is None:
        await judge_without_rest(scene)
        return
    await scene.whole("at rest")
    say("at rest; the model runs")
    began = time.monotonic()
    expected, outputs = await model(scene)
    scene.report.numbers["model seconds"] = round(time.monotonic() - began, 1)
    scene.report.numbers["outputs"] = len(outputs)
    scene.report.numbers["bad records"] = len(expected.dead)
    counts = Counter(record.topic for record in outputs)
    for what, topic in (("dead letters", DEAD), ("late events", LATE)):
        scene.report.numbers[what] = counts[scene.service.names[topic]]
    scene.report.take(check_outputs(expected, outputs))
    judge_order(scene, expected, outputs, since)
    scene.report.take(await check_views(scene, expected))
    await asyncio.gather(*(scene.cluster.look(slot) for slot in scene.cluster.running))
    owned = {slot.number: slot.assigned for slot in scene.cluster.running}
    await asyncio.gather(*(scene.stop(slot, "at the end") for slot in scene.cluster.running))
    scene.report.take(await check_lso(scene))
    found, folded = await changelog_at_rest(scene, len(outputs))
    scene.report.take(found)
    scene.report.take(check_stores(scene.cluster.slots, owned, folded))
    scene.report.take(check_watched(scene.watch.records, outputs))
    scene.report.take(scene.watch.differences)
    scene.report.take(scene.views.differences)
    if not scene.views.answered:
        scene.report.fail("views", f"none was answered, {scene.views.refused} were refused")


async def ready_piece(scene: Scene) -> Ends | None:
    """Write a last piece while no worker runs, have one take it, and start the others.

    What was committed before it; None if it did not come to rest.
    """
    await scene.whole("before the last piece")
    running = scene.cluster.running
    await asyncio.gather(*(scene.stop(slot, "before the last piece") for slot in running))
    since = await scene.committed()
    await scene.load.burst(READY)
    scene.cluster.start(running[0])
    if not await reach_rest(scene):
        return None
    for slot in running[1:]:
        scene.cluster.start(slot)
    return since


def judge_order(scene: Scene, expected: Expected, outputs: list[Record], since: Ends) -> None:
    """The join's order of the last piece, and how many purchases that is."""
    topic = scene.service.names[PURCHASES]
    scene.report.numbers["purchases that lay ready"] = sum(
        event.record.offset >= since.get((topic, number), 0)
        for number, queue in expected.events[PURCHASES].items()
        for event in queue
    )
    scene.report.take(compare_ready(expected, outputs, since))


async def judge_on_the_way(scene: Scene, say: Say) -> None:
    """Outputs, changelog and views against the model at a rest; the run goes on afterwards."""
    await scene.load.stop()
    before = sum(len(found) for found in scene.report.failed.values())
    if await reach_rest(scene):
        expected, outputs = await model(scene)
        scene.report.take(await asyncio.to_thread(check_outputs, expected, outputs))
        found, _ = await changelog_at_rest(scene, len(outputs))
        scene.report.take(found)
        scene.report.take(check_watched(list(scene.watch.records), outputs))
        await scene.whole("at a rest")
        scene.report.take(await check_views(scene, expected))
    after = sum(len(found) for found in scene.report.failed.values())
    say(f"--- rest after {scene.load.written} records: {after - before} differences ---")
    scene.load.start()


async def reach_rest(scene: Scene) -> bool:
    """Whether all that was written is taken and committed in time."""
    try:
        await scene.service.at_rest(REST_SECONDS)
    except AssertionError as error:
        scene.report.fail("rest", str(error))
        return False
    return True


async def judge_without_rest(scene: Scene) -> None:
    """What was committed, against the model of that; all workers are killed."""
    for slot in scene.cluster.slots:
        scene.cluster.kill(slot)

    async def ended() -> bool:
        return not await check_lso(scene)

    try:
        await until(ended, 60, "without open transactions", 1.0)
    except AssertionError:
        scene.report.take(await check_lso(scene))
    expected, outputs = await model(scene)
    scene.report.take(check_outputs(expected, outputs, at_rest=False))
    scene.report.take(scene.watch.differences)
