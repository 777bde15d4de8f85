"""Restoring from a real changelog: which stores are caught up, and which are built anew."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from uuid import uuid4

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import KafkaTimeoutError

from app.connections import reader
from app.engine.errors import LostError
from app.engine.restore import Restorer
from app.engine.store import rocks
from app.engine.store.base import Store
from app.engine.store.identity import StoreIdentity
from app.engine.store.memory import MemoryStore
from app.engine.store.rocks import RocksStore, shared_cache
from app.observability.metrics import Metrics
from app.settings import load_settings
from app.topic_identity import ClusterIdentity, IdentityReader, topic_identities
from models.topic_configs import changelog_config
from tests.support.kafka import Kafka

DAY = 86_400_000
HALF = DAY // 2


class Anew:
    """Asks over a new connection each time."""

    def __init__(self, bootstrap: str, name: str) -> None:
        self._place = bootstrap, [name]

    async def look(self) -> ClusterIdentity:
        return await topic_identities(*self._place)

    async def close(self) -> None: ...


class Changelog:
    """A changelog of one partition, written in transactions."""

    def __init__(self, bootstrap: str) -> None:
        self.bootstrap = bootstrap
        self.name = f"restore-{uuid4().hex[:8]}"
        self.rows: dict[bytes, bytes] = {}

    async def make(self) -> "Changelog":
        topic = NewTopic(self.name, 1, 1, topic_configs=changelog_config())
        admin = AIOKafkaAdminClient(bootstrap_servers=self.bootstrap)
        await admin.start()
        try:
            await admin.create_topics([topic])
        finally:
            await admin.close()
        return self

    async def write(self, *changes: tuple[bytes, bytes | None]) -> None:
        async with (
            AIOKafkaProducer(
                bootstrap_servers=self.bootstrap, transactional_id=self.name
            ) as producer,
            producer.transaction(),
        ):
            for key, value in changes:
                await producer.send(self.name, key=key, value=value, partition=0)
        for key, value in changes:
            self.rows.pop(key, None)
            if value is not None:
                self.rows[key] = value

    def restorer(self) -> Restorer:
        read = partial(reader, load_settings(broker=self.bootstrap))
        return Restorer(self.name, read, Anew(self.bootstrap, self.name), DAY, Metrics())


def quiet(position: int, end: int) -> None:
    pass


def rows(store: Store) -> dict[bytes, bytes]:
    return dict(store.scan(b"k", b"l"))


@pytest.fixture(params=["memory", "rocksdb"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    memory = request.param == "memory"
    opened = MemoryStore() if memory else RocksStore(tmp_path / "partition-0", shared_cache(8))
    yield opened
    opened.close()


@pytest.fixture
async def changelog(kafka: Kafka) -> Changelog:
    made = await Changelog(kafka.bootstrap).make()
    await made.write((b"k1", b"one"), (b"k2", b"two"))
    return made


async def test_tail_is_caught_up(
    changelog: Changelog, store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    restorer = changelog.restorer()
    await restorer.restore(0, store, quiet)
    assert rows(store) == changelog.rows == {b"k1": b"one", b"k2": b"two"}
    at = store.changelog_offset
    store.write([(b"k9", b"of this store alone")], at or 0)  # A mark: it is not built anew.
    await changelog.write((b"k1", None), (b"k3", b"three"))
    await restorer.restore(0, store, quiet)
    assert rows(store) == {**changelog.rows, b"k9": b"of this store alone"}
    assert store.changelog_offset == (at or 0) + 3  # With the transaction's marker.
    assert "dropped" not in caplog.text


@pytest.mark.parametrize(
    ("cluster", "topic", "partition", "says"),
    [
        ("another", None, 0, "another Kafka cluster"),
        (None, "another", 0, "has been deleted"),
        (None, None, 5, "of partition 5"),
    ],
)
async def test_store_of_another_changelog(
    changelog: Changelog,
    store: Store,
    caplog: pytest.LogCaptureFixture,
    cluster: str | None,
    topic: str | None,
    partition: int,
    says: str,
) -> None:
    here = await topic_identities(changelog.bootstrap, [changelog.name])
    id_here = here.topics[changelog.name].topic_id
    other = StoreIdentity(cluster or here.cluster_id, topic or id_here, partition)
    store.claim(other.encode())
    store.write([(b"k1", b"wrong"), (b"k7", b"wrong")], 2)
    await changelog.restorer().restore(0, store, quiet)
    assert rows(store) == changelog.rows
    assert says in caplog.text
    assert StoreIdentity.decode(store.identity) == StoreIdentity(here.cluster_id, id_here, 0)


async def test_store_outside_of_its_changelog(
    changelog: Changelog, store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    restorer = changelog.restorer()
    await restorer.restore(0, store, quiet)
    store.write([(b"k7", b"wrong")], 1000)
    await restorer.restore(0, store, quiet)
    assert rows(store) == changelog.rows
    assert "is at offset 1000, outside" in caplog.text


async def test_store_that_does_not_say_what_it_is(
    changelog: Changelog, store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    store.write([(b"k7", b"wrong")], 2)
    await changelog.restorer().restore(0, store, quiet)
    assert rows(store) == changelog.rows
    assert "does not say" in caplog.text


@pytest.mark.parametrize(("age", "kept"), [(HALF - 60_000, True), (HALF + 60_000, False)])
async def test_old_store_with_a_tail(
    changelog: Changelog, store: Store, caplog: pytest.LogCaptureFixture, age: int, kept: bool
) -> None:
    """A deletion that the changelog has forgotten would leave the row for ever."""
    restorer = changelog.restorer()
    await restorer.restore(0, store, quiet)
    store.write([(b"k7", b"old")], store.changelog_offset or 0, rocks._now() - age)
    await changelog.write((b"k3", b"three"))
    await restorer.restore(0, store, quiet)
    assert rows(store) == ({**changelog.rows, b"k7": b"old"} if kept else changelog.rows)
    assert ("forgotten deletions" in caplog.text) is not kept
    assert abs((store.as_of or 0) - rocks._now()) < HALF


async def test_old_store_without_a_tail_is_as_good_as_new(
    changelog: Changelog, store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    restorer = changelog.restorer()
    await restorer.restore(0, store, quiet)
    place = store.changelog_offset or 0
    store.write([(b"k7", b"old")], place - 1, rocks._now() - 3 * DAY)  # Before the marker.
    await restorer.restore(0, store, quiet)
    assert rows(store) == {**changelog.rows, b"k7": b"old"}
    assert "dropped" not in caplog.text
    assert abs((store.as_of or 0) - rocks._now()) < HALF


async def test_another_workers_partition_is_followed(changelog: Changelog, store: Store) -> None:
    """What this worker has just committed itself may lie beyond the last stable offset."""
    restorer = changelog.restorer()
    await restorer.follow(0, store, quiet)
    assert rows(store) == changelog.rows
    store.write([(b"k7", b"own")], (store.changelog_offset or 0) + 2)
    await restorer.follow(0, store, quiet)
    assert rows(store) == {**changelog.rows, b"k7": b"own"}
    await restorer.close()


def test_layout_is_part_of_the_identity() -> None:
    now = StoreIdentity("c", "t", 0)
    assert now.unlike(StoreIdentity("c", "t", 0, 99)) == "has layout 99, this version writes 1"
    assert now.unlike(StoreIdentity.decode(b"\xff")) is not None
    assert now.unlike(StoreIdentity.decode(now.encode())) is None


async def test_looks_of_standbys_share_a_reader(kafka: Kafka) -> None:
    changelog = await Changelog(kafka.bootstrap).make()
    made: list[AIOKafkaConsumer] = []

    @asynccontextmanager
    async def read() -> AsyncIterator[AIOKafkaConsumer]:
        async with reader(load_settings(broker=kafka.bootstrap)) as consumer:
            made.append(consumer)
            yield consumer

    identities = IdentityReader(kafka.bootstrap, [changelog.name])
    restorer = Restorer(changelog.name, read, identities, DAY, Metrics())
    copies = [MemoryStore(), MemoryStore()]
    for number in range(4):
        await changelog.write((b"k%d" % number, b"v"))
        await asyncio.gather(*(restorer.follow(0, copy, quiet) for copy in copies))
        assert [rows(copy) for copy in copies] == [changelog.rows] * 2
    assert len(made) == 1

    async def silent(places: object) -> None:
        raise KafkaTimeoutError

    made[0].beginning_offsets = silent
    with pytest.raises(LostError):
        await restorer.follow(0, copies[0], quiet)
    await changelog.write((b"k9", b"v"))
    await restorer.follow(0, copies[0], quiet)
    assert rows(copies[0]) == changelog.rows
    assert len(made) == 2
    await restorer.close()
