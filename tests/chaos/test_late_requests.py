"""A commit's request that the broker gets when the worker has long gone on (reliability, rule 3).

Its connection breaks before the answer; the request was under way. Sent again with the same epoch,
the first one would end the next transaction half way, or take its offsets back.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.chaos.brokers import ProxiedBroker
from tests.chaos.proxy import Action, Api, Rule
from tests.service.traffic import traffic
from tests.support.judged import compare
from tests.support.service import Service, lines
from tests.support.topics import Ends, committed

PATIENCE = 120.0
PIECE = 300


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ProxiedBroker]:
    with ProxiedBroker(tmp_path_factory.mktemp("proxied") / "broker") as broker:
        yield broker


async def starts_again(service: Service, broker: ProxiedBroker, folder: Path) -> Ends:
    """Offsets and state still agree: a worker starts, and goes on. What was committed before."""
    before = await committed(service.bootstrap, service.app_id)
    await service.send(traffic(87, PIECE, 1))
    with service.worker(folder, environment={"STREAMJOIN_BROKER": broker.proxied}) as worker:
        await service.at_rest(PATIENCE)
        assert await worker.terminate(60) == 0, worker.text
    after = await committed(service.bootstrap, service.app_id)
    assert all(after[place] >= offset for place, offset in before.items())
    return before


@pytest.mark.parametrize(
    ("late", "during"),
    [(Api.END_TXN, Api.TXN_OFFSET_COMMIT), (Api.TXN_OFFSET_COMMIT, Api.END_TXN)],
)
async def test_a_late_request_is_refused(
    broker: ProxiedBroker, tmp_path: Path, late: Api, during: Api
) -> None:
    """`during`: at which request of a later transaction the late one arrives."""
    # Long: the later transaction is held on purpose, and must not be given up meanwhile.
    service = await Service(broker.direct, 1, {"transaction_timeout": "60s"}).create()
    name = f"{service.app_id}-0"
    messages = list(traffic(86, 3 * PIECE, 1))
    await service.send(messages[:PIECE])
    with service.worker(tmp_path, environment={"STREAMJOIN_BROKER": broker.proxied}) as worker:
        await service.at_rest(PATIENCE)
        first = broker.proxy.add(Rule(late, Action.DELIVER_LATE, name, seconds=PATIENCE))
        await service.send(messages[PIECE : 2 * PIECE])
        await first.struck(1, PATIENCE)
        await service.at_rest(PATIENCE)
        later = broker.proxy.add(Rule(during, Action.HOLD_REQUEST, name, seconds=PATIENCE))
        await service.send(messages[2 * PIECE :])
        await later.struck(1, PATIENCE)
        assert first.strikes[0].delivered is None, "it was delivered before the later transaction"
        first.release()
        (strike,) = await first.answered(1, PATIENCE)
        assert late is not Api.END_TXN or strike.error not in (0, None), strike
        later.release()
        await service.at_rest(PATIENCE)
        assert await worker.terminate(60) == 0, worker.text
    since = await starts_again(service, broker, tmp_path)
    differences = await compare(service, since)
    assert not differences, lines(differences)
