"""The changelog at rest: read anew, as it was read throughout, and its offsets."""

import asyncio

from aiokafka import TopicPartition

from app.engine.metadata import KEY, Metadata
from tests.chaos.scene import Scene
from tests.chaos.watch import Rows, Watch
from tests.support.topics import Ends, read_all, until

Changelog = dict[int, Rows]
"""{partition: the last value by key}."""
READ_SECONDS = 60.0
TRIES = 4


def check_changelog(folded: Changelog, watched: Changelog, done: Ends) -> list[str]:
    """The changelog's rows: as they were seen to be written, and at the group's offsets."""
    differences = []
    for number, rows in folded.items():
        differences += different_rows("changelog:watched", number, rows, watched[number])
        metadata = Metadata.decode(rows.get(KEY))
        offsets = metadata.offsets if metadata else {}
        group = {topic: offset for (topic, at), offset in done.items() if at == number}
        taken = {topic for topic, offset in group.items() if offset}
        differences += [
            f"changelog:offsets: {topic}/{number} at {offsets.get(topic)}, "
            f"the group at {group.get(topic)}"
            for topic in sorted(offsets.keys() | taken)
            if offsets.get(topic) != group.get(topic)
        ]
    return differences


def different_rows(check: str, number: int, one: Rows, other: Rows) -> list[str]:
    """Keys whose bytes differ."""
    keys = [key for key in one.keys() | other.keys() if one.get(key) != other.get(key)]
    return [
        f"{check}: partition {number} key {key!r}: {one.get(key)!r:.200}, {other.get(key)!r:.200}"
        for key in sorted(keys)[:10]
    ]


async def read_changelog(scene: Scene) -> tuple[Changelog, Ends]:
    """The changelog folded, by a reader who comes now; where its last records end."""
    folded: Changelog = {number: {} for number in scene.partitions}
    last: Ends = {}
    service = scene.service
    for record in await read_all(service.bootstrap, [scene.changelog], service.partitions):
        rows, key = folded[record.partition], record.key or b""
        last[record.topic, record.partition] = record.offset + 1
        if record.value is None:
            rows.pop(key, None)
        else:
            rows[key] = record.value
    return folded, last


async def changelog_at_rest(scene: Scene, outputs: int) -> tuple[list[str], Changelog]:
    """What differs, and the changelog. A commit without records may come between two looks."""
    for tried in range(TRIES):
        folded, last = await read_changelog(scene)
        done = await scene.committed()
        found = await watch_ends(scene.watch, outputs, last)
        found += check_changelog(folded, scene.watch.rows, done)
        if not found or tried == TRIES - 1:
            break
        await asyncio.sleep(1)
    return found, folded


async def watch_ends(
    watch: Watch, outputs: int, last: Ends, seconds: float = READ_SECONDS
) -> list[str]:
    """Wait until the reader has read so many outputs, and on to the changelog's last records."""

    async def there() -> bool:
        return len(watch.records) >= outputs and not behind(watch, last)

    try:
        await until(there, seconds, "read to the end")
    except AssertionError:
        short = [f"{len(watch.records)} of {outputs} outputs", *behind(watch, last)]
        return [f"reader:behind: {', '.join(short)}"]
    return []


def behind(watch: Watch, last: Ends) -> list[str]:
    """Where the reader has not come to these ends."""
    return [
        f"{topic}/{number} at {watch.next[TopicPartition(topic, number)]} of {end}"
        for (topic, number), end in last.items()
        if watch.next[TopicPartition(topic, number)] < end
    ]
