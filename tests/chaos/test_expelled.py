"""An expelled worker proves that it is a member before it fences anybody (rules 1 and 3).

One that initialised its producers first would fence the true owners, and go on as one of two.
"""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.chaos.brokers import ProxiedBroker
from tests.chaos.proxy import Action, Api, Rule
from tests.chaos.test_proxy_faults import PATIENCE, Watched, watched
from tests.support.topics import until

ALL = 10**9
ATTEMPTS = 3


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ProxiedBroker]:
    with ProxiedBroker(tmp_path_factory.mktemp("proxied") / "broker") as broker:
        yield broker


def noted(transactional_id: str) -> Rule:
    """Let those that fence through, and note that they came."""
    return Rule(Api.INIT_PRODUCER_ID, Action.HOLD_REQUEST, transactional_id, times=ALL, seconds=0)


def unheard(client_id: str) -> Rule:
    """No heartbeat of this client gets through."""
    return Rule(Api.HEARTBEAT, Action.DROP_REQUEST, client_id=client_id, times=ALL)


async def asks_in_vain(watch: Watched, fences: list[Rule], who: str = "") -> None:
    """Acquisitions, of all partitions or of `who`, end at their first step, again and again."""
    refused, since = f"{who}: the group no longer knows this member; ac", len(watch.worker.text)

    async def so() -> bool:
        attempts = watch.worker.text[since:].count(refused)
        return attempts >= ATTEMPTS or any(fence.strikes for fence in fences)

    await until(so, PATIENCE, f"refused {who}", 0.1)
    assert not [fence for fence in fences if fence.strikes], "it has fenced, and proved nothing"


async def test_none_is_fenced_before_the_expelled_has_joined_and_proved_it(
    broker: ProxiedBroker, tmp_path: Path
) -> None:
    """What became of one partition's commit is unknown; the other one's is refused by the fence."""
    async with watched(broker, tmp_path / "expelled", 88, 2) as watch:
        proxy, name = watch.proxy, watch.service.app_id
        consumer = f"{name}-consumer"
        silence = proxy.add(unheard(consumer))
        await until(watch.is_expelled, PATIENCE, "expelled", 0.3)
        fences = [proxy.add(noted(f"{name}-{number}")) for number in range(2)]
        joins = Rule(Api.JOIN_GROUP, Action.HOLD_REQUEST, client_id=consumer, seconds=PATIENCE)
        proxy.add(joins)
        proxy.add(Rule(Api.END_TXN, Action.DROP_ANSWER, f"{name}-0"))
        await asks_in_vain(watch, fences, "partition 0")
        with watch.service.worker(tmp_path / "owner") as owner:
            await asks_in_vain(watch, fences, "partition 1")
            await asyncio.gather(watch.goes_on(0), watch.goes_on(1))
            assert not joins.strikes
            # By a heartbeat's answer the worker hears of it, and asks to join; none is answered
            # from then on. Letting through only one would not do: another partition's, dropped
            # just after it, takes the connection with it, and the answer that is under way.
            silence.release()
            await joins.struck(1, PATIENCE)
            again = proxy.add(unheard(consumer))
            joins.release()
            await again.struck(1, PATIENCE)
            await asks_in_vain(watch, fences)
            again.release()
            assert await owner.terminate(60) == 0, owner.text
        await asyncio.gather(watch.goes_on(0), watch.goes_on(1))
        assert all(fence.strikes for fence in fences)
