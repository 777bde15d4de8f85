"""Fills a changelog with the state of many users, as a worker would have written it.

Their clicks, purchases and user events go through the service's own agents and tables, and each
commit through its own writer, with the group's offsets. Left out are the inputs themselves (the
state stands at their beginning) and what would be published.
"""

from __future__ import annotations

import asyncio
import os
import random
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from itertools import count, islice
from multiprocessing import get_context
from types import SimpleNamespace
from typing import cast

import msgspec
from aiokafka import TopicPartition

from agents.enrich import ShopWork
from agents.topology import Topology
from agents.user_events import UserEventsWork
from app.cli.quiet import quiet_client
from app.connections import producer
from app.engine.state import PartitionState
from app.engine.store.memory import MemoryStore
from app.engine.writer import TransactionWriter
from app.factory import changelog_topic
from app.settings import Settings, load_settings
from app.startup import check_topics
from benchmarks.generate import PAGES, PRODUCTS, page_path, partition_of, product_id, user_id
from benchmarks.worker import Deployment
from models.events import Click, Purchase, UserEvent
from models.records import Record

CLICKS = 20
"""Of a user, as in the benchmark's other data."""
_CLICKS_A_PURCHASE = 5
# Less than what a purchase looks back on, so that all rows are alive at the end.
_SPAN_MS = 9 * 60 * 1000
_STEP_MS = 1500
_MOST = 200_000_000
_USERS_A_COMMIT = 200
_CACHE_ROWS = 8192
_KNOWN = 5


class Filled(msgspec.Struct):
    """What was written. `megabytes`: of live rows; `changelog_records`: with rows' older values.

    `known`: some of the users, of each partition; all have the same number of clicks, purchases,
    user events, and values among these.
    """

    users: int
    known: list[str]
    rows: int
    megabytes: float
    changelog_records: int
    clicks: int
    purchases: int
    events: int
    values: int


async def fill(
    deployment: Deployment, partitions: int, megabytes: float, clicks: int = CLICKS
) -> Filled:
    """Write state of so many megabytes, of users with so many clicks each, up to now.

    No worker of the group may run. Each partition is the work of a process.
    """
    settings = _settings(deployment)
    await check_topics(settings, changelog_topic(settings))  # Makes the changelog.
    loop = asyncio.get_running_loop()
    work = partial(_fill, deployment, partitions, megabytes * 1e6 / partitions, clicks)
    with ProcessPoolExecutor(os.cpu_count(), get_context("spawn")) as pool:
        done = [loop.run_in_executor(pool, work, number) for number in range(partitions)]
        parts = await asyncio.gather(*done)
    return Filled(
        users=sum(part.users for part in parts),
        known=[user for part in parts for user in part.known],
        rows=sum(part.rows for part in parts),
        megabytes=sum(part.megabytes for part in parts),
        changelog_records=sum(part.changelog_records for part in parts),
        clicks=clicks,
        purchases=parts[0].purchases,
        events=parts[0].events,
        values=parts[0].values,
    )


def _fill(deployment: Deployment, partitions: int, size: float, clicks: int, number: int) -> Filled:
    with quiet_client():  # Partitions of a new topic take a moment.
        return asyncio.run(_Partition(deployment, partitions, clicks, number).fill(size))


def _settings(deployment: Deployment) -> Settings:
    return load_settings(broker=deployment.broker, **deployment.given())


class _Partition:
    """One partition's state while it grows."""

    def __init__(self, deployment: Deployment, partitions: int, clicks: int, number: int) -> None:
        settings = _settings(deployment)
        topology = Topology(settings.catalogue(), settings.rules(), settings.max_future)
        self._number, self._count, self._clicks = number, partitions, clicks
        self._store = MemoryStore()
        self._state = PartitionState(number, partitions, self._store, topology, {}, _CACHE_ROWS)
        self._shop = self._state.work(ShopWork)
        self._events = self._state.work(UserEventsWork)
        self._offsets = dict.fromkeys(topology.sources, 0)
        self._writer = TransactionWriter(
            partial(producer, settings),
            TopicPartition(changelog_topic(settings), number),
            partitions,
            settings.transaction_timeout / 1000,
            settings.app_id,
        )
        # Stands for the records that are not there: rows keep its offset alone.
        self._source = cast("Record", SimpleNamespace(partition=number, offset=0, key=b""))
        self._draw = random.Random(number).random
        self._records = self._purchases = self._acts = self._values = 0

    async def fill(self, size: float) -> Filled:
        """Have users come, evenly over the span that ends now, until rows have so many bytes."""
        names, users = self._names(), list[str]()
        first = int(time.time() * 1000) - _SPAN_MS - self._clicks * _STEP_MS
        await self._writer.open()
        try:
            while (done := self._store.size / size) < 1:
                some = list(islice(names, _USERS_A_COMMIT))
                for user in some:
                    self._visit(user, first + int(_SPAN_MS * done))
                users += some
                await self._commit()
        finally:
            await self._writer.close()
        return Filled(
            users=len(users),
            known=users[:: max(len(users) // _KNOWN, 1)],
            rows=sum(1 for _ in self._store.scan(b"", b"\xff")),
            megabytes=self._store.size / 1e6,
            changelog_records=self._records,
            clicks=self._clicks,
            purchases=self._purchases // len(users),
            events=self._acts // len(users),
            values=self._values // len(users),
        )

    def _names(self) -> Iterator[str]:
        """Go through the users of this partition."""
        for name in map(user_id, count()):
            if partition_of(name.encode(), self._count) == self._number:
                yield name

    def _visit(self, user: str, at: int) -> None:
        """Have a user click, now and then buy, and each of that be a user event too."""
        source, draw = self._source, self._draw
        for number in range(1, self._clicks + 1):
            at += int(draw() * _STEP_MS)
            self._shop.click(Click(user, page_path(int(draw() * PAGES)), at, source))
            self._act(user, "page_view", at, int(draw() * _MOST) if number % 2 else None)
            if number % _CLICKS_A_PURCHASE == 0:
                product, amount = product_id(int(draw() * PRODUCTS)), int(draw() * _MOST)
                self._shop.purchase(Purchase(user, product, amount, at, source), 0)
                self._purchases += 1
                self._act(user, "purchase", at, amount)

    def _act(self, user: str, action: str, at: int, value: int | None) -> None:
        self._events.take(UserEvent(user, action, at, value, None, None, self._source))
        self._acts += 1
        self._values += value is not None

    async def _commit(self) -> None:
        """Do what a partition's task does at a commit."""
        prepared = await self._state.prepare(self._offsets)
        places = {TopicPartition(name, self._number): at for name, at in self._offsets.items()}
        end = await self._writer.commit(prepared.changes, [], places)
        self._state.committed(prepared.changes, end)
        self._records += len(prepared.changes)
