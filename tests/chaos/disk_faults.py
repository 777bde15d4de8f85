"""Faults of what lies on a worker's disk."""

import asyncio
import random
import shutil
from pathlib import Path

from tests.chaos.cluster import Slot
from tests.chaos.result import Strike
from tests.chaos.scene import Scene, now_ms
from tests.chaos.schedule import Fault
from tests.chaos.stores import damage, found_damaged, read_store, store_folders, stored_offset

Hurt = dict[int, str]
"""{partition: how its store shows that it is not what it was}."""


async def store_damage(scene: Scene, fault: Fault) -> Strike:
    """Damage all stores of a worker while it is down; it counts if it opens one of them.

    A worker that is stopped has written its stores to the end, a killed one some of it.
    """
    await scene.whole(str(fault))
    slot = scene.cluster.pick(fault.target)
    await scene.load.burst(scene.burst)
    if fault.detail == "older":
        hurt = await older_copies(scene, slot, str(fault))
        at, partitions = now_ms(), slot.assigned
    else:
        if fault.detail == "delete":
            scene.cluster.kill(slot)
        else:
            await scene.stop(slot, str(fault))
        at, partitions = now_ms(), slot.assigned
        seed = f"{scene.report.seed}/damage/{fault.number}"
        hurt = await asyncio.to_thread(damage_all, slot.folder, fault.detail, random.Random(seed))
    mark = slot.mark
    scene.cluster.start(slot)
    recovery = await scene.commits_after(at, partitions, str(fault))
    await scene.whole(str(fault))
    opened = {number: how for number, how in hurt.items() if number in slot.assigned}
    shown = "; ".join(f"partition {number}: {how}" for number, how in opened.items())
    made = scene.strike(
        fault, at, shown or f"opened none of {hurt}", struck=bool(opened), recovery=recovery
    )
    warnings = (line for line in slot.since(mark).splitlines() if "partition-" in line)
    made.warning = next(warnings, "")[:300]
    return made


def number_of(folder: Path) -> int:
    """The partition that a store is of."""
    return int(folder.name.removeprefix("partition-"))


def damage_all(folder: Path, how: str, dice: random.Random) -> Hurt:
    """Damage every store in a worker's folder; those that show it."""
    hurt: Hurt = {}
    for store in store_folders(folder):
        try:
            before = read_store(store).offset
        except Exception:  # noqa: S112 (not yet mended since the last damage)
            continue
        done = damage(store, how, dice)
        shown = found_damaged(store, before)
        if shown:
            hurt[number_of(store)] = f"{done}: {shown}"
    return hurt


async def older_copies(scene: Scene, slot: Slot, why: str) -> Hurt:
    """Copy the stores, let the worker go on, stop it again, and put the copies back."""
    await scene.stop(slot, why)
    copies = slot.folder.with_name(f"copy-{slot.number}")
    shutil.rmtree(copies, ignore_errors=True)
    await asyncio.to_thread(shutil.copytree, slot.folder, copies)
    scene.cluster.start(slot)
    await scene.whole(why)
    await scene.load.burst(scene.burst)
    await scene.commits_after(now_ms(), slot.assigned, why)
    await scene.stop(slot, why)
    return await asyncio.to_thread(put_back, slot.folder, copies)


def put_back(folder: Path, copies: Path) -> Hurt:
    """Put older stores in place of newer ones; those that are older."""
    hurt: Hurt = {}
    for copy in store_folders(copies):
        store = folder / copy.relative_to(copies)
        try:
            older, newer = stored_offset(copy), stored_offset(store)
        except Exception:  # noqa: S112 (not yet mended since the last damage)
            continue
        if older is not None and newer is not None and older < newer:
            shutil.rmtree(store)
            shutil.copytree(copy, store)
            hurt[number_of(store)] = f"offset {older} in place of {newer}"
    return hurt
