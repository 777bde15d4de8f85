"""Requests of a commit held or lost between a worker and the broker, while it works."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import UnknownMemberIdError

from models.topics import Direction
from tests.chaos.brokers import ProxiedBroker
from tests.chaos.hijack import hijack
from tests.chaos.proxy import Action, Api, Rule
from tests.oracle.compare_outputs import compare_outputs
from tests.oracle.model import Model
from tests.service.traffic import traffic
from tests.support.service import Service, lines, send_in_batches
from tests.support.topics import committed, until
from tests.support.worker import Worker

QUICK = {"session_timeout": "6s", "heartbeat_interval": "1s", "transaction_timeout": "4s"}
PATIENCE = 120.0
PIECE = 20
UNKNOWN_MEMBER = UnknownMemberIdError.errno

Fault = tuple[Api, Action, Action | None]
"""What strikes a commit, and what then the answer to InitProducerId."""
# Those after which a worker cannot know what became of its transaction: it has to find out.
UNKNOWN = (Action.HOLD_REQUEST, Action.HOLD_ANSWER, Action.SWALLOW_REQUEST, Action.SWALLOW_ANSWER)
# One partition's and the other's, at the same time.
FAULTS: tuple[tuple[Fault, ...], ...] = (
    (
        (Api.END_TXN, Action.DROP_REQUEST, None),
        (Api.END_TXN, Action.DROP_ANSWER, None),
        (Api.END_TXN, Action.HOLD_ANSWER, Action.DROP_ANSWER),
        (Api.END_TXN, Action.HOLD_REQUEST, None),
        (Api.TXN_OFFSET_COMMIT, Action.DROP_REQUEST, None),
        (Api.TXN_OFFSET_COMMIT, Action.HOLD_ANSWER, None),
    ),
    (
        (Api.ADD_OFFSETS_TO_TXN, Action.DROP_ANSWER, None),
        (Api.ADD_OFFSETS_TO_TXN, Action.HOLD_REQUEST, Action.SWALLOW_ANSWER),
        (Api.ADD_PARTITIONS_TO_TXN, Action.DROP_ANSWER, None),
        (Api.PRODUCE, Action.DROP_REQUEST, None),
        (Api.PRODUCE, Action.DROP_ANSWER, None),
        (Api.PRODUCE, Action.HOLD_REQUEST, None),
        (Api.TXN_OFFSET_COMMIT, Action.SWALLOW_REQUEST, None),
    ),
)


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ProxiedBroker]:
    with ProxiedBroker(tmp_path_factory.mktemp("proxied") / "broker") as broker:
        yield broker


@asynccontextmanager
async def load(service: Service, seed: int) -> AsyncIterator[None]:
    """Writes a few hundred records a second, all through the block."""

    async def feed(producer: AIOKafkaProducer) -> None:
        messages = traffic(seed, 400_000, service.partitions, seconds=72_000)
        while piece := [message for _, message in zip(range(PIECE), messages, strict=False)]:
            await send_in_batches(producer, service.names, piece)
            await asyncio.sleep(0.1)

    async with AIOKafkaProducer(
        bootstrap_servers=service.bootstrap, enable_idempotence=True
    ) as producer:
        feeding = asyncio.create_task(feed(producer))
        try:
            yield
            assert not feeding.done(), "the load has ended before the faults have"
        finally:
            feeding.cancel()
            await asyncio.gather(feeding, return_exceptions=True)


class Watched:
    """A worker behind the proxy, and what is seen of it."""

    def __init__(self, broker: ProxiedBroker, service: Service, worker: Worker) -> None:
        self.proxy = broker.proxy
        self.service = service
        self.worker = worker

    def acquired_again(self, partition: int) -> int:
        """How often it has lost a partition's transaction and gone through the acquisition."""
        found = self.worker.text.splitlines()
        return sum(f"partition {partition}: " in t and "acquiring it again" in t for t in found)

    async def is_expelled(self) -> bool:
        """Whether the broker counts no member in its group."""
        admin = AIOKafkaAdminClient(bootstrap_servers=self.service.bootstrap)
        await admin.start()
        try:
            (answer,) = await admin.describe_consumer_groups([self.service.app_id])
        finally:
            await admin.close()
        members = answer.to_object()["groups"][0]["members"]
        return not members

    async def acquires_again(self, partition: int, before: int) -> None:
        async def again() -> bool:
            assert self.worker.process.poll() is None, self.worker.text
            return self.acquired_again(partition) > before

        await until(again, PATIENCE, f"partition {partition} acquired again", 0.3)

    async def goes_on(self, partition: int) -> None:
        """Wait for a commit after now."""
        before = await self.offsets(partition)

        async def further() -> bool:
            return await self.offsets(partition) > before

        await until(further, PATIENCE, f"partition {partition} going on", 0.3)

    async def offsets(self, partition: int) -> int:
        names = self.service.of(Direction.INPUT)
        done = await committed(self.service.bootstrap, self.service.app_id)
        return sum(done.get((name, partition), 0) for name in names)

    async def suffer(self, partition: int, api: Api, action: Action, then: Action | None) -> Rule:
        """Have a fault strike, and `then` another while it acquires, and the partition go on."""
        before = self.acquired_again(partition)
        transactional_id = f"{self.service.app_id}-{partition}"
        rule = Rule(api, action, transactional_id, seconds=PATIENCE)
        second = Rule(Api.INIT_PRODUCER_ID, then or action, transactional_id)
        if then is not None:
            self.proxy.add(second)
        self.proxy.add(rule)
        await rule.struck(1, PATIENCE)
        if action in UNKNOWN:
            await self.acquires_again(partition, before)
            if then is not None:
                await second.struck(1, PATIENCE)
            await self.goes_on(partition)
        rule.release()
        if action is Action.HOLD_REQUEST:
            await rule.answered(1, PATIENCE)
        await self.goes_on(partition)
        return rule


@asynccontextmanager
async def watched(
    broker: ProxiedBroker, folder: Path, seed: int, partitions: int
) -> AsyncIterator[Watched]:
    """A worker under load; after the block all is at rest, as it was to be, and it still runs."""
    service = await Service(broker.direct, partitions, QUICK).create()
    proxied = {"STREAMJOIN_BROKER": broker.proxied}
    with service.worker(folder, environment=proxied) as worker:
        watch = Watched(broker, service, worker)
        async with load(service, seed):
            await asyncio.gather(*(watch.goes_on(number) for number in range(partitions)))
            yield watch
        await service.at_rest(PATIENCE)
        assert await worker.terminate(60) == 0, worker.text
    inputs, outputs = await service.inputs(), await service.outputs()
    expected = Model(inputs, service.oracle, enriched=outputs).run()
    differences = compare_outputs(expected, outputs)
    assert not differences, lines(differences)


async def test_requests_of_a_commit_are_held_and_lost(
    broker: ProxiedBroker, tmp_path: Path
) -> None:
    async with watched(broker, tmp_path, 81, len(FAULTS)) as watch:

        async def chain(partition: int) -> list[Rule]:
            return [await watch.suffer(partition, *fault) for fault in FAULTS[partition]]

        chains = await asyncio.gather(*(chain(number) for number in range(len(FAULTS))))
    for rule in (rule for rules in chains for rule in rules):
        assert len(rule.strikes) == 1, rule
        strike = rule.strikes[0]
        if rule.action in (Action.DROP_ANSWER, Action.HOLD_ANSWER):
            assert strike.error in (0, None), (rule, strike)
            assert strike.answer is not None, rule
        elif rule.action is Action.HOLD_REQUEST:
            # It came when the worker had a new epoch: the broker has refused it.
            assert strike.error != 0, (rule, strike)
        else:
            assert strike.delivered is None, rule


async def test_a_member_without_heartbeats_is_expelled_and_joins_again(
    broker: ProxiedBroker, tmp_path: Path
) -> None:
    async with watched(broker, tmp_path, 83, 2) as watch:
        consumer = f"{watch.service.app_id}-consumer"
        rule = Rule(Api.HEARTBEAT, Action.HOLD_REQUEST, client_id=consumer, seconds=PATIENCE)
        watch.proxy.add(rule)
        await rule.struck()
        await until(watch.is_expelled, PATIENCE, "expelled", 0.3)
        joins = watch.proxy.seen[Api.JOIN_GROUP]
        rule.release()
        assert (await rule.answered())[0].error == UNKNOWN_MEMBER
        await asyncio.gather(watch.goes_on(0), watch.goes_on(1))
        assert watch.proxy.seen[Api.JOIN_GROUP] > joins


async def test_connections_are_cut_and_go_silent(broker: ProxiedBroker, tmp_path: Path) -> None:
    async with watched(broker, tmp_path, 84, 2) as watch:
        for _ in range(3):
            assert watch.proxy.cut() > 0
            await asyncio.gather(watch.goes_on(0), watch.goes_on(1))
        watch.proxy.pause(2)
        await asyncio.gather(watch.goes_on(0), watch.goes_on(1))
        watch.proxy.latency(0.02)
        await asyncio.gather(watch.goes_on(0), watch.goes_on(1))
        watch.proxy.latency(0)


async def test_a_hijacked_transactional_id_is_taken_back(
    broker: ProxiedBroker, tmp_path: Path
) -> None:
    """By a producer that only exists, and by one that has written to an output topic."""
    async with watched(broker, tmp_path, 85, 1) as watch:
        transactional_id = f"{watch.service.app_id}-0"
        for topic in (None, watch.service.names["enriched-purchases"]):
            before = watch.acquired_again(0)
            async with hijack(broker.direct, transactional_id, topic) as hijacked:
                await watch.acquires_again(0, before)
                await watch.goes_on(0)
            assert hijacked.fenced is (None if topic is None else True)
