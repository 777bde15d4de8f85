"""A transaction that ends badly: its error is told in one line, in bounded time."""

import asyncio
from collections.abc import Iterator

import pytest

from app.errors import UserError
from app.operations.clock import clock_difference
from models.dead_letters import ErrorType
from tests.chaos.brokers import ProxiedBroker
from tests.chaos.hijack import hijack
from tests.chaos.proxy import Action, Api, Rule
from tests.operations.burying import bury, source
from tests.operations.running import ran
from tests.support.command import streamjoin
from tests.support.service import Service

LONG = 120.0


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ProxiedBroker]:
    with ProxiedBroker(tmp_path_factory.mktemp("proxied") / "broker") as broker:
        yield broker


async def silent_from(broker: ProxiedBroker, rule: Rule) -> None:
    """Let nothing through from the moment in which the rule strikes."""
    await broker.proxy.add(rule).struck(1, LONG)
    broker.proxy.pause(10 * LONG)


async def test_a_replay_ends_though_the_broker_is_gone(broker: ProxiedBroker) -> None:
    service = await Service(broker.direct, 1, {"transaction_timeout": "3s"}).create()
    await bury(service, [source(service, offset) for offset in range(3)], ErrorType.HANDLER)
    environment = {**service.environment, "STREAMJOIN_BROKER": broker.proxied}
    rule = Rule(Api.PRODUCE, Action.SWALLOW_REQUEST, f"{service.app_id}-replay")
    silent = asyncio.create_task(silent_from(broker, rule))
    try:
        done = await asyncio.to_thread(
            streamjoin, environment, "dead-letters", "replay", "--yes", "--rate", "0"
        )
        await silent
    finally:
        broker.proxy.resume()
    assert done.returncode == 1, done.stderr
    said = "streamjoin: 0 letters were replayed, then the broker refused (TimeoutError)"
    assert done.stderr.startswith(said)
    assert done.stderr.count("\n") == 1, done.stderr
    again = await ran(service, "dead-letters", "replay", "--yes", "--json")
    assert again.objects[-1] == {"replayed": 3}
    there = await service.inputs()
    assert [record.value for record in there] == [b'{"n":%d}' % number for number in range(3)]


async def test_a_comparison_of_clocks_ends_though_the_broker_is_gone(
    broker: ProxiedBroker,
) -> None:
    service = await Service(broker.direct, 1).create()
    proxied = Service(broker.proxied, 1, {}, service.app_id)
    rule = Rule(Api.PRODUCE, Action.SWALLOW_REQUEST, f"{service.app_id}-check")
    silent = asyncio.create_task(silent_from(broker, rule))
    try:
        with pytest.raises(UserError, match=r"a transaction on .* fails: TimeoutError"):
            async with asyncio.timeout(LONG):
                await clock_difference(proxied.loaded())
        await silent
    finally:
        broker.proxy.resume()


async def test_a_comparison_of_clocks_that_is_fenced_says_so(broker: ProxiedBroker) -> None:
    service = await Service(broker.direct, 1).create()
    proxied, name = Service(broker.proxied, 1, {}, service.app_id), f"{service.app_id}-check"
    held = broker.proxy.add(Rule(Api.ADD_PARTITIONS_TO_TXN, Action.HOLD_REQUEST, name))
    asked = asyncio.create_task(clock_difference(proxied.loaded()))
    await held.struck(1, LONG)
    async with hijack(broker.direct, name):
        held.release()
        with pytest.raises(UserError, match=r"a transaction on .* fails: ProducerFenced"):
            async with asyncio.timeout(LONG):
                await asked
