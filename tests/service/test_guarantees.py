"""What at_least_once and at_most_once mean, shown by killing workers between their steps.

Nothing is late and nothing out of order here, so what is expected does not depend on the order in
which a killed worker's successor reads.
"""

import json
from collections import Counter
from pathlib import Path

import aiohttp

from app.engine import failpoints
from tests.oracle.compare_outputs import source_of
from tests.oracle.model import Expected, Model
from tests.oracle.records import COUNTS, DEAD, ENRICHED, REVENUE, Record
from tests.service.traffic import traffic
from tests.support.groups import bury_members
from tests.support.kafka import Kafka
from tests.support.service import Service

SECONDS = 90.0
PIECE = 200
EVENT_SECONDS = 4 * 7200.0
"""So few clicks a window that pages taken three times still fit into an enriched purchase's 50."""
KILLS = (
    (failpoints.BEFORE_OFFSETS, 1),  # In the first deployment.
    (failpoints.AFTER_STATE_CHANGE, 2),
    (failpoints.AFTER_SOME_SENDS, 3),
    (failpoints.BEFORE_OFFSETS, 2),
    (failpoints.AFTER_OFFSETS, 2),
    (failpoints.BEFORE_STORE_WRITE, 2),
    (failpoints.AFTER_STORE_WRITE, 2),
)


class Outcome:
    """What lies in the outputs, by the contract's names, and what all inputs should have given."""

    def __init__(self, expected: Expected, outputs: list[Record], totals: dict[str, int]) -> None:
        self.expected = expected
        self.totals = totals
        self.topics: dict[str, list[Record]] = {}
        for record in sorted(outputs, key=lambda r: (r.partition, r.offset)):
            self.topics.setdefault(expected.settings.role(record.topic) or "", []).append(record)

    def sources(self, topic: str) -> Counter[tuple[str, int, int]]:
        """How often the topic has a record made from each source record."""
        found = Counter[tuple[str, int, int]]()
        for record in self.topics[topic]:
            source = source_of(record)
            assert source is not None
            found[source[:3]] += 1
        return found

    def pages(self) -> dict[tuple[str, int, int], list[str]]:
        """What each purchase should have got, by its source."""
        return {
            enriched.purchase.record.position: list(enriched.pages)
            for partition in self.expected.partitions.values()
            for enriched in partition.enrichment.enriched
        }

    def got_pages(self) -> dict[tuple[str, int, int], list[list[str]]]:
        found: dict[tuple[str, int, int], list[list[str]]] = {}
        for record in self.topics[ENRICHED]:
            source = source_of(record)
            assert source is not None
            pages = json.loads(record.value or b"")["recent_pages"]
            found.setdefault(source[:3], []).append(pages)
        return found

    def dead(self) -> set[tuple[str, int, int]]:
        return set(self.expected.dead)

    def counts(self) -> dict[bytes, int]:
        """Final counts by key."""
        return {
            f"{user}@{start}".encode(): int(cell.count)
            for partition in self.expected.partitions.values()
            for (user, start), cell in partition.counts.cells.items()
        }

    def revenue(self) -> dict[bytes, dict[str, object]]:
        merged = self.expected.revenue()
        return {str(start).encode(): merged.value(start) for start in merged.totals}

    def published(self, topic: str) -> dict[bytes, list[Record]]:
        found: dict[bytes, list[Record]] = {}
        for record in self.topics[topic]:
            found.setdefault(record.key or b"", []).append(record)
        return found


async def outcome(kafka: Kafka, folder: Path, guarantee: str) -> Outcome:
    """Records in pieces, a worker that dies in each, and one that does the rest."""
    given = {"processing_guarantee": guarantee, "session_timeout": "10s"}
    service = await Service(kafka.bootstrap, 2, given).create()
    count = PIECE * (len(KILLS) + 1)
    messages = list(
        traffic(71, count, 2, seconds=EVENT_SECONDS, disorder=0, late=0, bad=0.03),
    )
    for name, passes in KILLS:
        await service.send(messages[:PIECE])
        del messages[:PIECE]
        armed = {"STREAMJOIN_FAILPOINT": f"{name}:{passes}"}
        with service.worker(folder, environment=armed) as worker:
            assert await worker.status(SECONDS) == -9, (name, worker.text)
            await bury_members(kafka.bootstrap, service.app_id)
    await service.send(messages)
    with service.worker(folder) as worker:
        await service.at_rest(SECONDS)
        async with (
            aiohttp.ClientSession() as session,
            session.get(f"{worker.url}/v1/totals") as answer,
        ):
            totals = await answer.json()
        assert await worker.terminate(SECONDS) == 0, worker.text
    inputs = await service.inputs()
    return Outcome(Model(inputs, service.oracle).run(), await service.outputs(), totals)


def holds(pages: list[str], wanted: list[str]) -> bool:
    """Whether all wanted pages are there in order, some perhaps twice."""
    left = iter(pages)
    return all(page in left for page in wanted)


async def test_at_least_once_doubles_and_loses_nothing(kafka: Kafka, tmp_path: Path) -> None:
    seen = await outcome(kafka, tmp_path, "at_least_once")
    pages, got = seen.pages(), seen.got_pages()
    assert pages.keys() == got.keys()
    assert [p for p, wanted in pages.items() if not any(holds(g, wanted) for g in got[p])] == []
    assert seen.sources(DEAD).keys() == seen.dead()
    counts = {
        key: max(int(r.value or b"") for r in rs) for key, rs in seen.published(COUNTS).items()
    }
    assert {key for key, count in seen.counts().items() if counts.get(key, 0) < count} == set()
    purchases = {
        key: max(json.loads(r.value or b"")["purchases"] for r in rs)
        for key, rs in seen.published(REVENUE).items()
    }
    assert {
        key for key, value in seen.revenue().items() if purchases.get(key, 0) < value["purchases"]
    } == set()
    # The kills did strike between the steps: outputs twice, and in the tables too.
    assert max(seen.sources(ENRICHED).values()) > 1
    assert seen.totals["purchases"] > len(pages)


async def test_at_most_once_loses_and_doubles_nothing(kafka: Kafka, tmp_path: Path) -> None:
    seen = await outcome(kafka, tmp_path, "at_most_once")
    pages = seen.pages()
    for topic, wanted in ((ENRICHED, set(pages)), (DEAD, seen.dead())):
        times = seen.sources(topic)
        assert set(times.values()) == {1}
        assert times.keys() <= wanted
    for source, [got] in seen.got_pages().items():
        assert holds(pages[source], got), source
    final = seen.counts()
    for key, records in seen.published(COUNTS).items():
        assert max(int(record.value or b"") for record in records) <= final[key]
    revenue = seen.revenue()
    for key, records in seen.published(REVENUE).items():
        bought = max(json.loads(record.value or b"")["purchases"] for record in records)
        assert bought <= int(str(revenue[key]["purchases"]))
    # The kills did strike between the steps: outputs and tables lack something.
    assert len(seen.sources(ENRICHED)) < len(pages)
    assert seen.totals["purchases"] < len(pages)
