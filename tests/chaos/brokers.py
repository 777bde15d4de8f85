"""A broker of a test's own that workers reach through a proxy, and the harness directly."""

import math
import os
import random
import signal
import time
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

from app.broker import EmbeddedBroker, ports
from tests.chaos.proxy import Proxy

# Below the ports that Linux gives to outgoing connections: a client that tries to reach a broker
# that is away would take the broker's own port sooner or later.
_PORTS = range(20_000, 32_000)


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
    broker gives clients that come this way the proxy's address. All methods block; the addresses
    stay the same over restarts.
    """

    def __init__(self, folder: Path) -> None:
        """`folder`: the broker's, made if there is none."""
        direct, behind, controller, before = lasting_ports(4)
        self.direct = f"127.0.0.1:{direct}"
        self.proxied = f"127.0.0.1:{before}"
        self.proxy = Proxy(before, behind)
        self.broker = EmbeddedBroker(
            folder, direct, properties=listeners(direct, behind, controller, before)
        )
        self._stopped: int | None = None
        self._away = False
        self._back = -math.inf
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            stack.enter_context(self.proxy)
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


def listeners(direct: int, behind: int, controller: int, before: int) -> dict[str, str]:
    """Server properties for a second listener, `behind`, that advertises the proxy: `before`."""
    host = "127.0.0.1"
    return {
        "listeners": f"PLAINTEXT://{host}:{direct},PROXIED://{host}:{behind},"
        f"CONTROLLER://{host}:{controller}",
        "advertised.listeners": f"PLAINTEXT://{host}:{direct},PROXIED://{host}:{before}",
        "listener.security.protocol.map": "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,"
        "PROXIED:PLAINTEXT",
        "controller.quorum.voters": f"1@{host}:{controller}",
    }
