"""The oracle's judgement of a run, at the end and on the way."""

import asyncio
import time
from collections.abc import Callable

from tests.chaos.rest import (
    check_changelog,
    check_lso,
    check_outputs,
    check_stores,
    check_views,
    check_watched,
    model,
    read_changelog,
)
from tests.chaos.scene import Scene
from tests.oracle.records import DEAD
from tests.support.topics import committed, until

Say = Callable[[str], None]
REST_SECONDS = 240.0


async def judge(scene: Scene, say: Say) -> None:
    """Reach rest and hold everything against everything. Ends the workers."""
    rested = await reach_rest(scene)
    await scene.views.stop()
    if not rested:
        await judge_without_rest(scene)
        return
    await scene.whole("at rest")
    say("at rest; the model runs")
    began = time.monotonic()
    expected, outputs = await model(scene)
    scene.report.numbers["model seconds"] = round(time.monotonic() - began, 1)
    scene.report.numbers["outputs"] = len(outputs)
    scene.report.numbers["bad records"] = len(expected.dead)
    dead_topic = scene.service.names[DEAD]
    dead = [record for record in outputs if record.topic == dead_topic]
    scene.report.numbers["dead letters"] = len(dead)
    scene.report.take(check_outputs(expected, outputs))
    scene.report.take(await check_views(scene, expected))
    await asyncio.gather(*(scene.cluster.look(slot) for slot in scene.cluster.running))
    owned = {slot.number: slot.assigned for slot in scene.cluster.running}
    await asyncio.gather(*(scene.stop(slot, "at the end") for slot in scene.cluster.running))
    scene.report.take(await check_lso(scene))
    folded = await read_changelog(scene)
    await watch_ends(scene, len(outputs))
    done = await committed(scene.service.bootstrap, scene.service.app_id)
    scene.report.take(check_changelog(folded, scene.watch.rows, done))
    scene.report.take(check_stores(scene.cluster.slots, owned, folded))
    scene.report.take(check_watched(scene.watch.records, outputs))
    scene.report.take(scene.watch.differences)
    scene.report.take(scene.views.differences)


async def judge_on_the_way(scene: Scene, say: Say) -> None:
    """Outputs against the model at a rest; the run goes on afterwards."""
    await scene.load.stop()
    before = sum(len(found) for found in scene.report.failed.values())
    if await reach_rest(scene):
        expected, outputs = await model(scene)
        scene.report.take(await asyncio.to_thread(check_outputs, expected, outputs))
        await watch_ends(scene, len(outputs))
        scene.report.take(check_watched(list(scene.watch.records), outputs))
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


async def watch_ends(scene: Scene, outputs: int) -> None:
    """Wait until the reader has read on to the end."""

    async def there() -> bool:
        return len(scene.watch.records) >= outputs

    try:
        await until(there, 60, "read to the end")
    except AssertionError:
        scene.report.fail("reader:behind", f"{len(scene.watch.records)} of {outputs} records")
