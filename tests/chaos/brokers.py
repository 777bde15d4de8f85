"""Brokers of a test's own that workers reach through a proxy, and the harness directly.

Brokers reach themselves and each other through a proxy of their own, `between`: it can hold back
what a transaction's coordinator tells the partitions' leaders, and separate nodes.
"""

import math
import os
import random
import signal
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

from app.broker import EmbeddedBroker, ports
from tests.chaos.proxy import Proxy, Route
from tests.support.three_brokers import NODES, ThreeBrokers

# Below the ports that Linux gives to outgoing connections: a client that tries to reach a broker
# that is away would take the broker's own port sooner or later.
_PORTS = range(20_000, 32_000)
HOST = "127.0.0.1"


def lasting_ports(count: int) -> list[int]:
    """Give free ports that stay free while nobody listens, so that a server can come back."""
    found: list[int] = []
    for port in random.sample(_PORTS, len(_PORTS)):
        if ports.is_free(port):
            found.append(port)
            if len(found) == count:
                return found
    raise AssertionError(f"no {count} free ports in {_PORTS}")


class ProxiedBroker(AbstractContextManager["ProxiedBroker"]):
    """Starts a broker and a proxy before it; stops both at the end of the block.

    `direct`: the bootstrap string for the harness's own clients. `proxied`: for workers; the
    broker gives clients that come this way the proxy's address. `between`: the proxy before the
    broker's way to itself. All methods block; the addresses stay the same over restarts.
    """

    copies = 1

    def __init__(self, folder: Path) -> None:
        """`folder`: the broker's, made if there is none."""
        direct, controller, *others = lasting_ports(6)
        workers, brokers = Route(*others[:2]), Route(*others[2:])
        self.direct = f"127.0.0.1:{direct}"
        self.proxy, self.between = Proxy(workers), Proxy(brokers)
        self.proxied = self.proxy.bootstrap
        properties = listeners(Route(direct, direct), workers, brokers, controller)
        properties["controller.quorum.voters"] = f"1@{HOST}:{controller}"
        self.broker = EmbeddedBroker(folder, direct, properties=properties)
        self._stopped: int | None = None
        self._away = False
        self._back = -math.inf
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            stack.enter_context(self.proxy)
            stack.enter_context(self.between)
            stack.callback(self._end)
            self.broker.start()
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stack.close()

    def was_away(self, seconds: float) -> bool:
        """Whether it has been killed or stopped, or was until so many seconds ago."""
        return self._away or time.monotonic() - self._back < seconds

    def kill(self) -> None:
        """kill -9."""
        self._away = True
        self.broker.kill()
        self._stopped = None

    def restart(self) -> None:
        """Start it again after `kill`; returns when it answers. Connections to it are new."""
        self.broker.start()
        self._away, self._back = False, time.monotonic()

    def pause(self) -> None:
        """SIGSTOP, until `resume`. Beyond 90 s the broker fences itself (app/broker/config.py)."""
        info = self.broker.status().info
        assert info is not None, "the broker does not run"
        os.kill(info.pid, signal.SIGSTOP)
        self._away = True
        self._stopped = info.pid

    def resume(self) -> None:
        """SIGCONT after `pause`."""
        if self._stopped is not None:
            os.kill(self._stopped, signal.SIGCONT)
            self._stopped = None
            self._away, self._back = False, time.monotonic()

    def _end(self) -> None:
        self.resume()
        self.broker.stop()


class ProxiedThree(AbstractContextManager["ProxiedThree"]):
    """Three brokers as `ThreeBrokers`, each with proxies before it; as `ProxiedBroker` otherwise.

    `between` carries what brokers and controllers say to each other, and the harness to them: it
    is not to read from a broker that is cut off.
    """

    copies = 3

    def __init__(self, folder: Path) -> None:
        """`folder`: of all data, made if there is none."""
        ports = iter(lasting_ports(7 * len(NODES)))
        self._workers = [Route(next(ports), next(ports), node) for node in NODES]
        self._brokers = [Route(next(ports), next(ports), node) for node in NODES]
        self._controllers = [Route(next(ports), next(ports), node) for node in NODES]
        before = {node: next(ports) for node in NODES}
        self.three = ThreeBrokers(folder, self._listeners(before))
        harness = [Route(before[node], self.three.ports[node], node) for node in NODES]
        self.proxy = Proxy(*self._workers)
        self.between = Proxy(*self._brokers, *self._controllers, *harness)
        self.proxied = self.proxy.bootstrap
        self.direct = ",".join(f"{HOST}:{port}" for port in before.values())
        self._away: set[int] = set()
        self._back = -math.inf
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            stack.enter_context(self.proxy)
            stack.enter_context(self.between)
            stack.enter_context(self.three)
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stack.close()

    def was_away(self, seconds: float) -> bool:
        """Whether two of three are away, or were until so many seconds ago: one is no excuse."""
        return len(self._away) > 1 or time.monotonic() - self._back < seconds

    def pid(self, node: int) -> int:
        """The id of a node's process; it runs."""
        info = self.three.brokers[node].status().info
        assert info is not None, f"node {node} does not run"
        return info.pid

    def kill(self, *nodes: int) -> None:
        """kill -9."""
        self._away |= set(nodes)
        self.three.kill(*nodes)

    def stop(self, *nodes: int) -> None:
        """SIGTERM; returns when they have handed over and ended."""
        self._away |= set(nodes)
        self.three.stop(*nodes)

    def pause(self, *nodes: int) -> None:
        """SIGSTOP."""
        self._away |= set(nodes)
        self.three.pause(*nodes)

    def resume(self, *nodes: int) -> None:
        """SIGCONT."""
        self.three.resume(*nodes)
        self._returned(nodes)

    def start(self, *nodes: int) -> None:
        """Start them again on their data; returns when they lead and follow."""
        self.three.start(*nodes)
        self._returned(nodes)

    def _returned(self, nodes: Iterable[int]) -> None:
        if len(self._away) > 1:
            self._back = time.monotonic()
        self._away -= set(nodes)

    def _listeners(self, before: Mapping[int, int]) -> Callable[[int, int], dict[str, str]]:
        """Each node's; `before`: the proxy's ports for the harness."""
        voters = ",".join(f"{route.node}@{HOST}:{route.port}" for route in self._controllers)

        def of(node: int, direct: int) -> dict[str, str]:
            workers, brokers = self._workers[node - 1], self._brokers[node - 1]
            controller = self._controllers[node - 1].behind
            given = listeners(Route(before[node], direct), workers, brokers, controller)
            return {**given, "controller.quorum.voters": voters}

        return of


Brokers = ProxiedBroker | ProxiedThree


def proxied_brokers(folder: Path, count: int) -> Brokers:
    """One broker or three, not started."""
    return ProxiedBroker(folder) if count == 1 else ProxiedThree(folder)


def listeners(direct: Route, workers: Route, brokers: Route, controller: int) -> dict[str, str]:
    """Server properties: listeners that advertise the proxies' ports."""
    mapped = ("CONTROLLER", "PLAINTEXT", "PROXIED", "BETWEEN")
    return {
        "listeners": f"PLAINTEXT://{HOST}:{direct.behind},PROXIED://{HOST}:{workers.behind},"
        f"BETWEEN://{HOST}:{brokers.behind},CONTROLLER://{HOST}:{controller}",
        "advertised.listeners": f"PLAINTEXT://{HOST}:{direct.port},PROXIED://{HOST}:{workers.port},"
        f"BETWEEN://{HOST}:{brokers.port}",
        "inter.broker.listener.name": "BETWEEN",
        "listener.security.protocol.map": ",".join(f"{name}:PLAINTEXT" for name in mapped),
    }
