"""The service for a test: topics of its own, workers as processes, and what came out."""

import asyncio
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self
from uuid import uuid4

from aiokafka import AIOKafkaProducer

from app.settings import Settings, load_settings
from app.topics_admin import create_topics
from models.topics import TOPICS, Catalogue, Direction
from tests.oracle.exact_numbers import partition_of
from tests.oracle.records import Record
from tests.oracle.records import Settings as OracleSettings
from tests.support.topics import (
    OFFSETS,
    OFFSETS_PARTITIONS,
    committed,
    ends,
    read_all,
    settled,
    until,
)
from tests.support.worker import ROOT, Worker

REST_SECONDS = 240.0
Message = tuple[str, int, bytes | None, bytes | None, int | None]
"""(contract's topic name, partition, key, value, timestamp in ms or None)."""


def keyed(topic: str, user: str, value: str | bytes, partitions: int) -> Message:
    """A record of this user, in the partition that Kafka's default partitioner gives it."""
    key = user.encode()
    data = value.encode() if isinstance(value, str) else value
    return topic, partition_of(key, partitions), key, data, None


@dataclass
class Service:
    """Topics and a group of a test's own. `settings`: the service's, by field name, as text.

    `renamed`: topics with other names than they would have, by the contract's; `copies`: of each.
    """

    bootstrap: str
    partitions: int = 4
    settings: dict[str, str] = field(default_factory=dict)
    app_id: str = field(default_factory=lambda: f"t-{uuid4().hex[:10]}")
    renamed: dict[str, str] = field(default_factory=dict)
    copies: int = 1

    @property
    def names(self) -> dict[str, str]:
        """Topic names by the contract's."""
        return {
            topic.id: self.renamed.get(topic.id, f"{self.app_id}.{topic.id}")
            for topic in TOPICS
            if topic.direction is not Direction.INTERNAL
        }

    @property
    def environment(self) -> dict[str, str]:
        """What a worker of this service is started with."""
        given = {"broker": self.bootstrap, "app_id": self.app_id, **self.settings}
        given |= {f"topic_{i.replace('-', '_')}": name for i, name in self.names.items()}
        return {f"STREAMJOIN_{name.upper()}": value for name, value in given.items()}

    def loaded(self) -> Settings:
        given = {"broker": self.bootstrap, "app_id": self.app_id, **self.settings}
        given |= {f"topic_{i.replace('-', '_')}": name for i, name in self.names.items()}
        return load_settings(**given)

    @property
    def catalogue(self) -> Catalogue:
        return self.loaded().catalogue()

    @property
    def oracle(self) -> OracleSettings:
        """The same settings as the oracle takes them."""
        rules = self.loaded().rules()
        return OracleSettings(
            partitions=self.partitions,
            join_wait=rules.join_wait,
            grace=rules.grace,
            retention=rules.retention,
            revenue_retention=rules.revenue_retention,
            join_window=rules.join_window,
            tumbling=rules.tumbling,
            hopping_size=rules.hopping_size,
            hopping_step=rules.hopping_step,
            average_window=rules.average_size,
            session_gap=rules.session_gap,
            names=self.names,
        )

    def of(self, *directions: Direction) -> list[str]:
        return self.catalogue.names(*directions)

    async def create(self) -> Self:
        """Make the topics."""
        await create_topics(self.bootstrap, self.catalogue, self.partitions, self.copies)
        return self

    async def send(self, messages: Iterable[Message]) -> None:
        """Write records where they say, in order within each partition."""
        async with AIOKafkaProducer(
            bootstrap_servers=self.bootstrap, enable_idempotence=True, max_batch_size=256 << 10
        ) as producer:
            await send_in_batches(producer, self.names, messages)

    async def at_rest(self, seconds: float = REST_SECONDS) -> None:
        """Wait until all that was written is committed, and all its outputs are readable."""

        async def rested() -> bool:
            steps = (self.of(Direction.INPUT), self.of(Direction.INTERNAL))
            for names in steps:
                if names is steps[1] and not await self.settled(names):
                    return False
                last = await ends(self.bootstrap, names, self.partitions)
                done = await committed(self.bootstrap, self.app_id)
                if any(done.get(place) != offset for place, offset in last.items()):
                    return False
            return await self.settled(self.of(Direction.OUTPUT))

        await until(rested, seconds, "at rest")

    async def settled(self, names: list[str]) -> bool:
        """Whether no transaction is open in these topics."""
        return await settled(self.bootstrap, names, self.partitions)

    async def ended(self) -> None:
        """Wait until the transactions of workers that have ended are so in outputs and offsets."""

        async def both() -> bool:
            offsets = await settled(self.bootstrap, OFFSETS, OFFSETS_PARTITIONS)
            return offsets and await self.settled(self.of(Direction.OUTPUT))

        await until(both, REST_SECONDS, "ended in all topics")

    async def inputs(self) -> list[Record]:
        return await read_all(self.bootstrap, self.of(Direction.INPUT), self.partitions)

    async def outputs(self) -> list[Record]:
        return await read_all(self.bootstrap, self.of(Direction.OUTPUT), self.partitions)

    async def output(self, topic: str) -> list[Record]:
        """What lies in one output topic, by the contract's name."""
        return await read_all(self.bootstrap, [self.names[topic]], self.partitions)

    def worker(
        self,
        data: Path,
        *,
        module: str = "app.cli.main",
        environment: dict[str, str] | None = None,
        root: Path = ROOT,
        launcher: Sequence[str] = (),
    ) -> Worker:
        return Worker({**self.environment, **(environment or {})}, data, module, root, launcher)


async def send_in_batches(
    producer: AIOKafkaProducer, names: Mapping[str, str], messages: Iterable[Message]
) -> None:
    """Write with this producer, whatever keys and values are."""
    batches: dict[tuple[str, int], list[Any]] = {}
    for topic, partition, key, value, timestamp in messages:
        held = batches.setdefault((names[topic], partition), [producer.create_batch()])
        added = {"key": key, "value": value, "timestamp": timestamp}
        if held[-1].append(**added) is None:
            held.append(producer.create_batch())
            held[-1].append(**added)
    futures = [
        await producer.send_batch(batch, topic, partition=partition)
        for (topic, partition), held in batches.items()
        for batch in held
    ]
    await asyncio.gather(*futures)


def lines(differences: Collection[str], shown: int = 12) -> str:
    """Differences for an assertion's message."""
    return f"{len(differences)} differences:\n" + "\n".join(list(differences)[:shown])
