"""A worker that dies at each named point in turn, and one that puts it all right."""

import re
import signal
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path

import aiohttp

from app.engine import failpoints
from app.factory import changelog_topic
from models.topics import Direction
from tests.oracle.compare_order import compare_ready
from tests.oracle.compare_outputs import compare_outputs
from tests.oracle.model import Model
from tests.service.traffic import traffic
from tests.support.groups import bury_members
from tests.support.kafka import Kafka
from tests.support.service import Service, lines
from tests.support.stores import stored_offsets
from tests.support.topics import Ends, committed, ends, until
from tests.support.worker import Worker

PIECE = 250
SECONDS = 90.0
"""No wait is expected to come near it."""
SETTINGS = {"transaction_timeout": "80s"}
"""An open transaction is still open when the test looks at it, however slow the machine."""
Evidence = Callable[["Chain"], Awaitable[None]]


class Chain:
    """One service whose workers die one after the other."""

    def __init__(self, service: Service, folder: Path) -> None:
        self.service = service
        self.folder = folder
        self.group_before: Ends = {}

    async def committed(self) -> Ends:
        return await committed(self.service.bootstrap, self.service.app_id)

    def stored(self) -> Ends:
        return stored_offsets(self.folder / self.service.app_id)

    def worker(self, name: str, passes: int, **environment: str) -> Worker:
        armed = {"STREAMJOIN_FAILPOINT": f"{name}:{passes}"}
        return self.service.worker(self.folder, environment={**armed, **environment})

    async def note(self) -> None:
        """Remember how far the group has come."""
        self.group_before = await self.committed()

    async def dead(self, worker: Worker, name: str) -> None:
        """Wait for its end; the group need not wait for that of its session."""
        assert await worker.status(SECONDS) == -signal.SIGKILL, (name, worker.text)
        assert await bury_members(self.service.bootstrap, self.service.app_id) > 0, name


async def uncommitted(chain: Chain) -> None:
    """Records were there and are still to be done."""
    service = chain.service
    last = await ends(service.bootstrap, service.of(Direction.INPUT), service.partitions)
    done = await chain.committed()
    assert any(done.get(place, 0) < offset for place, offset in last.items())


async def in_transaction(chain: Chain) -> None:
    """Records of a transaction lie in the log, and it has no end."""
    service = chain.service
    names = service.of(Direction.OUTPUT, Direction.INTERNAL)
    assert not await service.settled([*names, changelog_topic(service.loaded())])
    await uncommitted(chain)


async def moved(chain: Chain) -> None:
    """A transaction has taken effect, the first of its worker: the one that it died in or behind.

    The broker may still be at its end.
    """

    async def has_moved() -> bool:
        return await chain.committed() != chain.group_before

    await until(has_moved, SECONDS, "committed")
    store_behind(chain, await chain.committed())


async def none_moved(chain: Chain) -> None:
    """Nothing was committed, and there was something to recover."""
    assert await chain.committed() == chain.group_before
    store_behind(chain, chain.group_before)


async def not_ahead(chain: Chain) -> None:
    """The folder opens, and is as some commit left it."""
    stored, done = chain.stored(), await chain.committed()
    assert all(done[place] >= offset for place, offset in stored.items())


def store_behind(chain: Chain, done: Ends) -> None:
    """The folder is as some earlier commit left it."""
    stored = chain.stored()
    assert all(done[place] >= offset for place, offset in stored.items())
    assert any(stored.get(place, 0) < offset for place, offset in done.items())


async def run_into(chain: Chain, name: str, passes: int) -> None:
    """Die on the way."""
    with chain.worker(name, passes) as worker:
        await chain.dead(worker, name)


async def start_busy(chain: Chain, worker: Worker) -> None:
    """Wait until a worker that commits hardly ever has something in hand."""

    async def has_records() -> bool:
        try:
            async with session.get(f"{worker.url}/metrics") as answer:
                text = await answer.text()
        except aiohttp.ClientError:
            return False
        numbers = re.findall(r"streamjoin_lag_records\{.*\} ([\d.]+)", text)
        return any(float(number) for number in numbers)

    async with aiohttp.ClientSession() as session:
        await until(has_records, SECONDS, "busy")


async def stopped(chain: Chain, name: str) -> None:
    """Be told to stop, with records in hand."""
    with chain.worker(name, 1, STREAMJOIN_COMMIT_INTERVAL="10m") as worker:
        await start_busy(chain, worker)
        worker.process.send_signal(signal.SIGTERM)
        await chain.dead(worker, name)


async def revoked(chain: Chain, name: str) -> None:
    """Have partitions taken away, by a worker that joins, with records in hand."""
    with chain.worker(name, 1, STREAMJOIN_COMMIT_INTERVAL="10m") as worker:
        await start_busy(chain, worker)
        with chain.service.worker(chain.folder.with_name("other")) as other:
            assert await worker.status(SECONDS) == -signal.SIGKILL, worker.text
            other.kill()
        await chain.dead(worker, name)


def on_way(passes: int) -> Callable[[Chain, str], Awaitable[None]]:
    return partial(run_into, passes=passes)


POINTS: dict[str, tuple[Callable[[Chain, str], Awaitable[None]], Evidence]] = {
    failpoints.AFTER_POLL: (on_way(2), uncommitted),
    failpoints.AFTER_STATE_CHANGE: (on_way(2), uncommitted),
    failpoints.AT_DEAD_LETTER: (on_way(2), uncommitted),
    failpoints.AFTER_SOME_SENDS: (on_way(4), in_transaction),
    failpoints.BEFORE_ADD_OFFSETS: (on_way(2), in_transaction),
    failpoints.BEFORE_OFFSETS: (on_way(2), in_transaction),
    failpoints.AFTER_OFFSETS: (on_way(2), in_transaction),
    failpoints.BEFORE_END: (on_way(2), in_transaction),
    failpoints.AT_WINDOW_CLOSE: (on_way(1), in_transaction),
    failpoints.END_UNANSWERED: (on_way(1), moved),
    failpoints.BEFORE_STORE_WRITE: (on_way(1), moved),
    failpoints.AFTER_STORE_WRITE: (on_way(1), moved),
    failpoints.IN_RECOVERY: (on_way(1), none_moved),
    failpoints.IN_STORE_WRITE: (on_way(3), not_ahead),
    failpoints.ON_REVOKE: (revoked, uncommitted),
    failpoints.AT_SHUTDOWN: (stopped, uncommitted),
}


async def test_dying_at_each_failpoint_loses_and_doubles_nothing(
    kafka: Kafka, tmp_path: Path
) -> None:
    assert set(POINTS) == set(failpoints.NAMES)
    service = await Service(kafka.bootstrap, 2, SETTINGS).create()
    messages = list(traffic(61, PIECE * (len(POINTS) + 1), 2, bad=0.05))
    chain = Chain(service, tmp_path / "worker")
    for name, (die, struck) in POINTS.items():
        await service.send(messages[:PIECE])
        del messages[:PIECE]
        chain.group_before = await chain.committed()
        await die(chain, name)
        await struck(chain)
    since = await chain.committed()
    await service.send(messages)
    with service.worker(chain.folder) as worker:
        await service.at_rest(SECONDS)
        assert await worker.terminate(SECONDS) == 0, worker.text
    inputs, outputs = await service.inputs(), await service.outputs()
    expected = Model(inputs, service.oracle, enriched=outputs).run()
    differences = compare_outputs(expected, outputs) + compare_ready(expected, outputs, since)
    assert not differences, lines(differences)
