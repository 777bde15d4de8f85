"""Three real brokers as one KRaft cluster on loopback, with the times that production has.

Each node is broker and controller. Everything has three copies, of which two must be in sync, so
that the cluster goes on without any one of them, and stands while two are away.
"""

import asyncio
import os
import signal
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack, suppress
from pathlib import Path
from types import TracebackType
from typing import Final, Self, TypeVar

from aiokafka.client import AIOKafkaClient
from aiokafka.errors import KafkaError

from app.broker import EmbeddedBroker
from app.broker.broker import new_cluster_id
from tests.support.ports import held_port

T = TypeVar("T")
NODES: Final = (1, 2, 3)
_START_S = 150.0
_HEAP_MB = 256
_HOST = "127.0.0.1"
_SETTINGS: Final = {
    "default.replication.factor": "3",
    "min.insync.replicas": "2",
    "offsets.topic.replication.factor": "3",
    "transaction.state.log.replication.factor": "3",
    "transaction.state.log.min.isr": "2",
    "share.coordinator.state.topic.replication.factor": "3",
    "share.coordinator.state.topic.min.isr": "2",
    # Kafka's defaults; the embedded broker, which is alone, has a longer session.
    "broker.session.timeout.ms": "9000",
    "replica.lag.time.max.ms": "30000",
}


class ThreeBrokers(AbstractContextManager["ThreeBrokers"]):
    """Nodes 1 to 3, started side by side by `with`, ended at the end of the block.

    `bootstrap` names all three. All methods block (from a coroutine: `asyncio.to_thread`); the
    addresses stay the same over restarts. A node is killed and stopped by the id of the process
    that was started here.
    """

    def __init__(
        self,
        folder: Path,
        listeners: Callable[[int, int], Mapping[str, str]] = lambda node, port: {},
        heap_mb: int = _HEAP_MB,
    ) -> None:
        """`folder`: of all data. `listeners`: settings that win, by node and its port."""
        self._stack = ExitStack()
        self._paused: dict[int, int] = {}
        self.ports = self._held()
        controllers = self._held()
        voters = ",".join(f"{node}@{_HOST}:{port}" for node, port in controllers.items())
        cluster_id = new_cluster_id()
        self.brokers = {
            node: EmbeddedBroker(
                folder / f"broker-{node}",
                self.ports[node],
                heap_mb=heap_mb,
                cluster_id=cluster_id,
                properties={
                    **_SETTINGS,
                    "node.id": str(node),
                    "listeners": f"PLAINTEXT://{_HOST}:{self.ports[node]},"
                    f"CONTROLLER://{_HOST}:{controllers[node]}",
                    "controller.quorum.voters": voters,
                    **listeners(node, self.ports[node]),
                },
            )
            for node in NODES
        }
        self.bootstrap = ",".join(f"{_HOST}:{port}" for port in self.ports.values())

    def _held(self) -> dict[int, int]:
        return {node: self._stack.enter_context(held_port()) for node in NODES}

    def __enter__(self) -> Self:
        try:
            self.start(*NODES)
        except BaseException:
            self._end()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._end()

    def start(self, *nodes: int) -> None:
        """Start them, each on its data; returns when each leads and follows again.

        One alone becomes ready only while another one runs: two are the majority of the voters.
        """
        _side_by_side(lambda node: self.brokers[node].start(), nodes)
        addresses = {node: f"{_HOST}:{self.ports[node]}" for node in nodes}
        # In a thread, for callers inside an event loop.
        _side_by_side(lambda wanted: asyncio.run(_until_alive(wanted)), [addresses])

    def kill(self, *nodes: int) -> None:
        """kill -9."""
        for node in nodes:
            self.brokers[node].kill()
            self._paused.pop(node, None)

    def stop(self, *nodes: int) -> None:
        """SIGTERM: it hands its partitions over first; without a majority it is killed in 30 s."""
        _side_by_side(lambda node: self.brokers[node].stop(), nodes)

    def pause(self, *nodes: int) -> None:
        """SIGSTOP: connections stay open, nothing is answered, until `resume`."""
        for node in nodes:
            info = self.brokers[node].status().info
            assert info is not None, f"node {node} does not run"
            os.kill(info.pid, signal.SIGSTOP)
            self._paused[node] = info.pid

    def resume(self, *nodes: int) -> None:
        """SIGCONT after `pause`; nothing for one that is not paused."""
        for node in nodes:
            if node in self._paused:
                os.kill(self._paused.pop(node), signal.SIGCONT)

    def _end(self) -> None:
        # Nobody reads the data again: what is killed ends at once, frozen or not.
        self.kill(*NODES)
        self.stop(*NODES)
        self._stack.close()


def _side_by_side(work: Callable[[T], object], of: Sequence[T]) -> None:
    with ThreadPoolExecutor(max(len(of), 1)) as threads:
        list(threads.map(work, of))


async def _until_alive(addresses: Mapping[int, str]) -> None:
    """Wait until each of these nodes counts itself and the others among the live brokers.

    A broker that starts answers before its controller lets it lead; only then it is in the
    metadata, its own included.
    """
    end = time.monotonic() + _START_S
    while True:
        alive = [await _alive(address) for address in addresses.values()]
        if all(addresses.keys() <= found for found in alive):
            return
        assert time.monotonic() < end, f"{addresses} see {alive} after {_START_S} s"
        await asyncio.sleep(0.1)


async def _alive(address: str) -> set[int]:
    """The live brokers, as the one at `address` knows them."""
    client = AIOKafkaClient(bootstrap_servers=address, request_timeout_ms=5000)
    found: set[int] = set()
    with suppress(KafkaError, OSError, TimeoutError):
        await client.bootstrap()
        found = {broker.nodeId for broker in client.cluster.brokers()}
    await client.close()
    return found
