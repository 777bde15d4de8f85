"""What must hold at rest: outputs, views, stores and changelog all say what the model says."""

import asyncio
from collections.abc import Iterable, Mapping
from typing import cast
from urllib.parse import quote

import aiohttp

from models.topics import Direction
from tests.chaos.changelog import Changelog, different_rows
from tests.chaos.cluster import Slot
from tests.chaos.fuzz import not_large, too_large
from tests.chaos.scene import Scene
from tests.chaos.stores import read_store, store_folders
from tests.oracle.compare_http import VIEWS, compare_revenue, compare_totals, compare_view
from tests.oracle.compare_outputs import ALL, compare_outputs
from tests.oracle.conservation import unaccounted
from tests.oracle.equality import parse_answer
from tests.oracle.model import Expected, Model
from tests.oracle.records import Record, committed_only
from tests.oracle.results import REVENUE_SUM
from tests.support.topics import committed, ends


def check_outputs(expected: Expected, outputs: list[Record], *, at_rest: bool = True) -> list[str]:
    """Outputs against the model. Before rest the merged revenue may be behind what was taken."""
    computations = ALL if at_rest else ALL - {REVENUE_SUM}
    differences = compare_outputs(expected, outputs, computations)
    return differences + [f"model: {name} {where}" for name, where in unaccounted(expected)]


def check_watched(watched: Iterable[Record], outputs: Iterable[Record]) -> list[str]:
    """The reader that ran throughout has seen what a reader sees who comes later."""
    seen, there = set(watched), set(outputs)
    return [f"reader:missing: {record}" for record in list(there - seen)[:20]] + [
        f"reader:extra: {record}" for record in list(seen - there)[:20]
    ]


async def check_lso(scene: Scene) -> list[str]:
    """No transaction is open: the last stable offsets are the high watermarks."""
    names = [*scene.service.of(*Direction), scene.changelog]
    arguments = scene.service.bootstrap, names, scene.service.partitions
    stable, last = await ends(*arguments), await ends(*arguments, "read_uncommitted")
    return [f"lso: {p} at {stable[p]}, written {last[p]}" for p in last if stable[p] != last[p]]


def check_stores(
    slots: Iterable[Slot], owned: dict[int, frozenset[int]], folded: Changelog
) -> list[str]:
    """The owners' stores, byte by byte, against the changelog; the workers have stopped.

    `owned`: the partitions that each slot owned at rest.
    """
    differences, seen = [], set()
    for slot in slots:
        for number in owned.get(slot.number, frozenset()):
            for folder in store_folders(slot.folder, number):
                seen.add(number)
                try:
                    content = read_store(folder)
                except Exception as error:
                    differences.append(f"store:unreadable: {folder}: {error}")
                    continue
                differences += different_rows("store", number, content.rows, folded[number])
    missing = folded.keys() - seen
    return differences + [f"store: partition {number} has none" for number in sorted(missing)]


async def check_views(scene: Scene, expected: Expected) -> list[str]:
    """Every view of every user, asked of any worker."""
    done = await committed(scene.service.bootstrap, scene.service.app_id)
    users = sorted(
        {event.user for queues in expected.events.values() for q in queues.values() for event in q}
    )
    differences: list[str] = []
    limit = asyncio.Semaphore(8)

    async def ask(name: str, user: str, slot: Slot) -> None:
        more = "?limit=1000" if name == "enriched-purchases" else ""
        path = f"/v1/users/{quote(user, safe='')}/{name}{more}"
        async with limit:
            status, text = await answer(scene, slot, path)
        if status != 200:
            differences.append(f"{name}:http: {user} status {status} {text[:200]!r}")
            return
        found = compare_view(expected, name, user, with_user(parsed(text)), done)
        differences.extend(found)

    running = scene.cluster.running
    asked = [(name, user) for user in users for name in VIEWS]
    await asyncio.gather(*(ask(*what, running[n % len(running)]) for n, what in enumerate(asked)))
    return differences + await check_overall(scene, expected)


async def check_overall(scene: Scene, expected: Expected) -> list[str]:
    """Totals and revenue, of each worker."""
    differences: list[str] = []
    for slot in scene.cluster.running:
        status, text = await answer(scene, slot, "/v1/totals")
        if status != 200:
            differences.append(f"totals:http: status {status} {text[:200]!r}")
        else:
            differences += compare_totals(expected, parsed(text))
        rows: list[dict[str, object]] = []
        cursor = ""
        while True:
            status, text = await answer(scene, slot, f"/v1/revenue?limit=1000{cursor}")
            if status != 200:
                differences.append(f"revenue:http: status {status} {text[:200]!r}")
                break
            page = parsed(text)
            rows += cast("list[dict[str, object]]", page["windows"])
            if page["next"] is None:
                differences += compare_revenue(expected, list(rows))
                break
            cursor = f"&cursor={page['next']}"
    return differences


def parsed(text: bytes) -> Mapping[str, object]:
    """An answer's object."""
    found = parse_answer(text)
    assert isinstance(found, dict)
    return found


def with_user(found: Mapping[str, object]) -> Mapping[str, object]:
    """The model's purchases name their user, as on the topic; the answer does so once for all."""
    purchases = found.get("purchases")
    if not isinstance(purchases, list):
        return found
    return {**found, "purchases": [{"user_id": found["user_id"], **row} for row in purchases]}


async def answer(scene: Scene, slot: Slot, path: str) -> tuple[int, bytes]:
    """A worker's answer; asked again, for some time, while it is not ready to give one."""
    assert slot.worker is not None
    status, text = 0, b""
    for _ in range(40):
        try:
            async with scene.cluster.client.get(slot.worker.url + path) as response:
                status, text = response.status, await response.read()
        except (aiohttp.ClientError, TimeoutError) as error:
            status, text = 0, repr(error).encode()
        if status not in (0, 503):
            break
        await asyncio.sleep(0.5)
    return status, text


async def model(scene: Scene) -> tuple[Expected, list[Record]]:
    """The model of what is committed, and the outputs."""
    outputs = await scene.service.outputs()
    done = await committed(scene.service.bootstrap, scene.service.app_id)
    inputs = committed_only(await scene.service.inputs(), done)
    failing = too_large(outputs, scene.service.names)
    scene.report.take(not_large(failing, inputs))
    made = Model(inputs, scene.service.oracle, enriched=outputs, failing=failing)
    return await asyncio.to_thread(made.run), outputs
