"""Faults of what lies on a worker's disk."""

import asyncio
import random
import resource
import shutil
import time
from collections.abc import Collection, Iterable
from pathlib import Path

from tests.chaos.cluster import Slot
from tests.chaos.result import Strike
from tests.chaos.scene import Scene, now_ms
from tests.chaos.schedule import Fault
from tests.chaos.stores import damage, found_damaged, read_store, store_folders, stored_offset

SAID = ("flip", "truncate")
"""What a worker has to find, and to say, before it counts."""
SAID_SECONDS = 5.0
ROOM = 8 << 10
"""Bytes that a file may have beyond the worker's log, which has to take its last words."""
FULL_SECONDS = 120.0
Hurt = dict[int, str]
"""{partition: how its store shows that it is not what it was}."""


async def store_damage(scene: Scene, fault: Fault) -> Strike:
    """Damage all stores of a worker while it is down; it counts if it opens one of them.

    A worker that is stopped has written its stores to the end, a killed one some of it.
    """
    await scene.each_owns(str(fault))
    await scene.whole(str(fault))
    slot = scene.cluster.pick(fault.target)
    await scene.load.burst(scene.burst)
    hurt, at, partitions = await damaged(scene, slot, fault)
    mark = slot.mark
    scene.cluster.start(slot)
    recovery = await scene.commits_after(at, partitions, str(fault))
    await scene.whole(str(fault))
    opened = {number: how for number, how in hurt.items() if number in slot.assigned}
    unsaid = await not_said(slot, mark, opened) if fault.detail in SAID else set()
    shown = "; ".join(
        f"partition {number}: {how}{', not met yet' if number in unsaid else ''}"
        for number, how in opened.items()
    )
    struck, evidence = bool(opened.keys() - unsaid), shown or f"opened none of {hurt}"
    made = scene.strike(fault, at, evidence, struck=struck, recovery=recovery)
    made.warning = warning(slot.since(mark))
    if fault.detail in SAID:
        await taken_away(scene, slot, hurt.keys() - (opened.keys() - unsaid), str(fault))
    return made


async def damaged(scene: Scene, slot: Slot, fault: Fault) -> tuple[Hurt, int, frozenset[int]]:
    """End a worker and damage its stores; with the time at which it owned its partitions last."""
    if fault.detail == "older":
        hurt = await older_copies(scene, slot, str(fault))
        return hurt, now_ms(), slot.assigned
    if fault.detail == "delete":
        scene.cluster.kill(slot)
    else:
        await scene.stop(slot, str(fault))
    at, partitions = now_ms(), slot.assigned
    seed = f"{scene.report.seed}/damage/{fault.number}"
    hurt = await asyncio.to_thread(damage_all, slot.folder, fault.detail, random.Random(seed))
    return hurt, at, partitions


async def taken_away(scene: Scene, slot: Slot, numbers: Collection[int], why: str) -> None:
    """Delete stores whose damage nobody has met: at the end they are read byte by byte."""
    if not numbers:
        return
    await scene.stop(slot, why)
    for store in store_folders(slot.folder):
        if number_of(store) in numbers:
            await asyncio.to_thread(shutil.rmtree, store)
    scene.cluster.start(slot)
    await scene.whole(why)


async def disk_full(scene: Scene, fault: Fault) -> Strike:
    """A worker's files can grow no more, as on a full disk: it stops, and goes on when they can.

    By a limit on the size of its files, which no other process feels (EFBIG in place of ENOSPC).
    Its log is a new one, so that the stores' files reach the limit first.
    """
    await scene.each_owns(str(fault))
    slot = scene.cluster.pick(fault.target)
    scene.cluster.kill(slot)
    slot.log.rename(slot.log.with_suffix(f".{fault.number}.log"))
    scene.cluster.start(slot)
    await scene.whole(str(fault))
    assert slot.worker is not None
    process, at, partitions = slot.worker.process, now_ms(), slot.assigned
    slot.full = True
    limit = slot.mark + ROOM
    resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (limit, limit))
    end = time.monotonic() + FULL_SECONDS
    while process.poll() is None and time.monotonic() < end:
        await scene.load.burst(scene.burst // 10)
        await asyncio.sleep(0.5)  # A store is written to its files once a minute.
    status, said = process.poll(), scene.cluster.text(slot)
    why = [line for line in said.splitlines() if line.startswith("streamjoin:")]
    scene.cluster.kill(slot)
    scene.cluster.start(slot)
    recovery = await scene.commits_after(now_ms(), partitions, str(fault))
    await scene.whole(str(fault))
    struck = status == 1 and any("too large" in line for line in why)
    evidence = f"status {status}: {why[-1] if why else said[-300:]}"
    return scene.strike(fault, at, evidence, struck=struck, recovery=recovery)


def warning(text: str) -> str:
    """The first line of a log about a store; empty if there is none."""
    return next((line for line in text.splitlines() if "partition-" in line), "")[:300]


async def not_said(
    slot: Slot, mark: int, numbers: Iterable[int], seconds: float = SAID_SECONDS
) -> set[int]:
    """The stores of which the worker does not say soon that they are damaged."""
    end = time.monotonic() + seconds
    while True:
        text = slot.since(mark)
        left = {number for number in numbers if f"partition-{number} is damaged" not in text}
        if not left or time.monotonic() > end:
            return left
        await asyncio.sleep(0.2)


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
