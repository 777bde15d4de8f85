"""Runs the stock app at a low rate, killed or left in peace, and has the oracle judge it."""

import asyncio
import time
from collections.abc import Sequence
from pathlib import Path

from models.topics import Direction
from tests.chaos.variants.outcome import Outcome
from tests.oracle.compare_outputs import compare_outputs
from tests.oracle.model import Model
from tests.oracle.records import COUNTS, ENRICHED, committed_only
from tests.oracle.results import ENRICHMENT, EVENT_COUNTS
from tests.service.traffic import traffic
from tests.support.service import Message, Service
from tests.support.topics import committed, ends, until

MODULE = "tests.chaos.stock.app"
PARTITIONS = 2
EVENTS = 2000
PIECE = 20
"""Records a tenth of a second: a tenth of what the app can do."""
KILLS = 5
JUDGED = frozenset(
    {
        "duplicates",
        "conservation",
        f"{ENRICHED}:missing",
        f"{ENRICHED}:unexpected",
        f"{COUNTS}:missing",
        f"{COUNTS}:unexpected",
        f"{COUNTS}:value",
        f"{COUNTS}:step-back",
    }
)
"""Checks of what the app claims to do: each record once. It has no merge, no lateness."""


async def try_stock(bootstrap: str, folder: Path, seed: int, *, kills: int) -> Outcome:
    """Run the app over the seed's records with so many kill -9; what came out."""
    service = Service(bootstrap, PARTITIONS, {"partitions": str(PARTITIONS)})
    await service.create()
    outcome = Outcome(f"{kills} kills", seed, [], faults=bool(kills))
    messages = list(traffic(seed, EVENTS, PARTITIONS, late=0, bad=0))
    started = time.monotonic()
    load = asyncio.create_task(flow(service, messages))
    try:
        for number in range(kills):
            before = await progress(service)
            with service.worker(folder, module=MODULE) as worker:
                await moved(service, before + 100)
                worker.kill()
            outcome.evidence.append(f"kill {number + 1} after {await progress(service)} records")
        with service.worker(folder, module=MODULE):
            await load
            await rest(service, outcome)
    finally:
        load.cancel()
    outcome.wrong = await judge(service)
    outcome.seconds = time.monotonic() - started
    return outcome


async def flow(service: Service, messages: Sequence[Message]) -> None:
    """Write records at a low rate."""
    for at in range(0, len(messages), PIECE):
        await service.send(messages[at : at + PIECE])
        await asyncio.sleep(0.1)


async def progress(service: Service) -> int:
    """How many input records have been committed."""
    inputs = set(service.of(Direction.INPUT))
    there = await committed(service.bootstrap, service.app_id)
    return sum(offset for (topic, _), offset in there.items() if topic in inputs)


async def moved(service: Service, past: int) -> None:
    """Wait until so many input records have been committed, or all."""

    async def further() -> bool:
        return await progress(service) >= min(past, EVENTS)

    await until(further, 180, f"at {past} committed records")


async def rest(service: Service, outcome: Outcome) -> None:
    """Wait until all is committed; an app that has lost its way is judged as it is."""

    async def rested() -> bool:
        last = await ends(service.bootstrap, service.of(Direction.INPUT), PARTITIONS)
        there = await committed(service.bootstrap, service.app_id)
        done = all(there.get(place, 0) == end for place, end in last.items())
        return done and await service.settled(service.of(Direction.OUTPUT))

    try:
        await until(rested, 180, "at rest", 0.5)
    except AssertionError as error:
        outcome.ended = str(error)


async def judge(service: Service) -> list[str]:
    """Differences by the judged checks."""
    done = await committed(service.bootstrap, service.app_id)
    outputs = await service.outputs()
    expected = Model(committed_only(await service.inputs(), done), service.oracle, outputs).run()
    found = compare_outputs(expected, outputs, {ENRICHMENT, EVENT_COUNTS})
    return [line for line in found if line.partition(": ")[0] in JUDGED]
