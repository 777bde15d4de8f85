"""When a broker counts as silent, and which ones do: by address, for all clients of the process.

A client that is made anew (a partition's producer after a loss, restore's reader) knows at once
what another one has found out.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any, Final, Self

from aiokafka.conn import AIOKafkaConnection, AIOKafkaProtocol, CloseReason

_silent_until: dict[tuple[str, int], float] = {}
_answered: dict[tuple[str, int], float] = {}

_WAITING: Final = frozenset(
    {0, 8, 11, 12, 13, 14, 19, 20, 21, 22, 24, 25, 26, 28, 33, 37, 42, 44, 47}
)
"""API keys of requests that a broker in order may answer late.

Writes wait for the copies at other brokers: Produce 0, OffsetCommit 8, the transactions' 22, 24,
25, 26, 28, and what changes topics, groups and settings: 19, 20, 21, 33, 37, 42, 44, 47. If one of
those is silent, that takes until the controller has taken it out, 9 s by Kafka's defaults. So do
Heartbeat 12 and LeaveGroup 13: a coordinator answers behind the group's last write. JoinGroup 11
and SyncGroup 14 wait for other members. All else is answered from what the broker has: Metadata,
FindCoordinator, OffsetFetch, ListOffsets, and Fetch after `fetch_max_wait`.
"""


def note_silence(host: str, port: int, seconds: float) -> None:
    """Have nobody wait for this broker for so long: it did not answer in time."""
    _silent_until[host, port] = time.monotonic() + seconds


def note_answer(host: str, port: int) -> None:
    """Have it waited for again: it has just answered."""
    _silent_until.pop((host, port), None)
    _answered[host, port] = time.monotonic()


def is_silent(host: str, port: int) -> bool:
    """Whether it did not answer in time, a moment ago."""
    return _silent_until.get((host, port), 0.0) > time.monotonic()


def last_answer(host: str, port: int) -> float:
    """When it answered a new connection last, s, monotonic; 0 for never."""
    return _answered.get((host, port), 0.0)


class HeardProtocol(AIOKafkaProtocol):  # type: ignore[misc]
    """Notes when bytes come: a long answer on a slow link is no silence."""

    heard = 0.0
    transport: Any = None

    def connection_made(self, transport: Any) -> None:  # noqa: ANN401 (asyncio)
        """Keep the transport: what waits to be sent to a silent broker can only be dropped."""
        self.transport = transport
        super().connection_made(transport)

    def data_received(self, data: bytes) -> None:
        """Note the time, s, monotonic."""
        self.heard = time.monotonic()
        super().data_received(data)


class Watch:
    """Looks after one request while it waits; ends its connection when the broker is silent.

    Silent is who has sent nothing on the connection for `patience` seconds; where a request of
    `_WAITING` is on it, also does not answer a connection made in the last half of them.
    """

    def __init__(
        self,
        connection: AIOKafkaConnection,
        patience: float,
        answers: Callable[[AIOKafkaConnection, float], Awaitable[bool]],
    ) -> None:
        """`answers`: whether the broker answers a new connection in so many seconds."""
        self.silent = False
        self._connection = connection
        self._patience = patience
        self._answers = answers
        self._asking: asyncio.Task[None] | None = None

    def __enter__(self) -> Self:
        """Begin: the request has just been sent."""
        self._sent = time.monotonic()
        self._look_in(self._patience / 2)
        return self

    def __exit__(self, *_: object) -> None:
        """End: it is answered, or nobody waits for it any more."""
        self._timer.cancel()
        if self._asking is not None:
            self._asking.cancel()

    def _look_in(self, seconds: float) -> None:
        self._timer = asyncio.get_running_loop().call_later(seconds, self._look)

    def _look(self) -> None:
        connection = self._connection
        if not connection.connected():
            return
        half = self._patience / 2
        quiet = time.monotonic() - max(self._sent, connection._protocol.heard)
        if any(request.API_KEY in _WAITING for _, request, _ in connection._requests):
            if quiet < half:
                self._look_in(half - quiet)
            else:
                self._asking = asyncio.create_task(self._ask(half))
        elif quiet < self._patience:
            self._look_in(self._patience - quiet)
        else:
            self._give_up()

    async def _ask(self, seconds: float) -> None:
        if await self._answers(self._connection, seconds):
            self._look_in(seconds)
        else:
            self._give_up()

    def _give_up(self) -> None:
        self.silent = True
        leave_behind(self._connection, self._patience)


def leave_behind(connection: AIOKafkaConnection, seconds: float) -> None:
    """End a connection on which no answer comes; have its broker not waited for, for so long."""
    note_silence(connection.host, connection.port, seconds)
    connection.close(CloseReason.CONNECTION_TIMEOUT)
    connection._protocol.transport.abort()
