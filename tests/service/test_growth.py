"""State does not grow with time: for the same users, a month leaves what one day left.

Neither in the changelog nor in the store, which a worker writes to the disk at each commit here.
"""

import json
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from models.topic_configs import changelog_config
from tests.service.traffic import BASE
from tests.support.admin import configure
from tests.support.judged import compare
from tests.support.kafka import Kafka
from tests.support.service import Message, Service, keyed, lines
from tests.support.topics import read_all, until

USERS, DAYS, DAY, AWAKE, STEP = 20, 30, 86_400, 60_000, 1200
SOME = 5
"""First and last days on which the store is looked at: a compaction comes every few commits."""
PATIENCE = 240.0


def day(number: int, partitions: int) -> Iterator[Message]:
    """One event of each kind for each user, every twenty minutes but at night."""
    for second in range(number * DAY, number * DAY + AWAKE, STEP):
        for index in range(USERS):
            user, at = f"u{index}", BASE + second + index
            event: dict[str, object] = {"user_id": user, "timestamp": at}
            own: dict[str, dict[str, object]] = {
                "clicks": {"page": f"/p/{second}"},
                "purchases": {"product_id": f"i{second}", "amount": 1.25},
                "user-events": {"action": "view", "value": 2},
            }
            for topic, fields in own.items():
                yield keyed(topic, user, json.dumps(event | fields), partitions)


async def live_rows(service: Service, changelog: str) -> dict[tuple[int, bytes | None], bytes]:
    """The rows that a compacted changelog holds: each key's last value, less the deleted."""
    rows: dict[tuple[int, bytes | None], bytes] = {}
    for record in await read_all(service.bootstrap, [changelog], service.partitions):
        if record.value is None:
            rows.pop((record.partition, record.key), None)
        else:
            rows[record.partition, record.key] = record.value
    return rows


async def live_bytes(service: Service, changelog: str) -> int:
    rows = await live_rows(service, changelog)
    return sum(len(key or b"") + len(value) for (_, key), value in rows.items())


def stored_bytes(folder: Path) -> int:
    """What a store's tables and write-ahead log take on the disk."""
    found = 0
    for path in (*folder.glob("*.sst"), *folder.glob("*.log")):
        with suppress(FileNotFoundError):  # A compaction has ended meanwhile.
            found += path.stat().st_size
    return found


async def compact(bootstrap: str, topic: str) -> None:
    """Have the broker compact a changelog as soon as it can, and drop tombstones at once."""
    configs = changelog_config() | {
        "segment.ms": "1000",
        "min.cleanable.dirty.ratio": "0.001",
        "delete.retention.ms": "0",
    }
    await configure(bootstrap, {topic: configs})


async def test_a_month_leaves_what_one_day_leaves(kafka: Kafka, tmp_path: Path) -> None:
    service = await Service(kafka.bootstrap, 1, {"revenue_retention": "6h"}).create()
    changelog = f"{service.app_id}-state-changelog"
    store = tmp_path / service.app_id / "partition-0"
    sizes, stored = [], []
    with service.worker(tmp_path, module="tests.service.flushing_worker") as worker:
        for number in range(DAYS):
            await service.send(day(number, 1))
            if not SOME <= number < DAYS - SOME:
                await service.at_rest(PATIENCE)
                stored.append(stored_bytes(store))
                sizes.append(await live_bytes(service, changelog))
        written = len(await read_all(service.bootstrap, [changelog], 1))
        assert sizes[-1] <= 1.1 * sizes[0], sizes
        assert all(stored), stored
        assert min(stored[SOME:]) <= 1.5 * max(stored[:SOME]), stored
        await compact(service.bootstrap, changelog)
        last = BASE + DAYS * DAY

        async def compacted() -> bool:
            # A segment is closed, and then compacted, when something is written after it.
            nonlocal last
            last += 1
            event = {"user_id": "u0", "timestamp": last, "page": "/"}
            await service.send([keyed("clicks", "u0", json.dumps(event), 1)])
            records = await read_all(service.bootstrap, [changelog], 1)
            live = await live_rows(service, changelog)
            return len(records) <= len(live) + written // 20

        await until(compacted, PATIENCE, "compacted", 1.0)
        await service.at_rest(PATIENCE)
        assert await worker.terminate() == 0, worker.text
    differences = await compare(service)
    assert not differences, lines(differences)
