"""How one client's connections come about: none waits for another, none for a silent broker."""

import asyncio
import logging
import socket
from collections.abc import Collection
from contextlib import suppress
from typing import Any, Final

from aiokafka import client as stock
from aiokafka import conn
from aiokafka.client import AIOKafkaClient, ConnectionGroup
from aiokafka.conn import AIOKafkaConnection
from aiokafka.errors import KafkaConnectionError, KafkaError, StaleMetadata

from app.cluster.addresses import Address, parse_addresses
from app.cluster.silence import is_silent, note_answer, note_silence

log = logging.getLogger("aiokafka.client")

BOOTSTRAP: Final = ("bootstrap", ConnectionGroup.DEFAULT)
"""Where aiokafka keeps the connection to a cluster that has not told of its brokers yet."""
# How long a bootstrap address has to itself before the next one is tried beside it.
_HEAD_START: Final = 0.25

NodeId = int | str
Place = tuple[NodeId, int]


class Bootstrap(list[str]):
    """Addresses as aiokafka takes them, with how long a broker may be silent, in seconds.

    It is the one argument of aiokafka's clients that reaches `BrokerClient` as it was given.
    """

    def __init__(self, addresses: str, patience: float) -> None:
        """Read them. Raises AddressError."""
        super().__init__(map(str, parse_addresses(addresses)))
        self.patience = patience


class ConnectingClient(AIOKafkaClient):  # type: ignore[misc]
    """aiokafka's client as far as it connects; `BrokerClient` is the whole.

    `request_timeout_ms` stays the longest wait for brokers that live, those that wait for others
    included; how long a silent one is waited for comes with `Bootstrap`.
    """

    _sync_task: "asyncio.Task[Any] | None"

    def __init__(
        self,
        *,
        bootstrap_servers: str | list[str] = "localhost",
        request_timeout_ms: int = 40_000,
        **options: Any,  # noqa: ANN401 (aiokafka is untyped)
    ) -> None:
        """Connect to nothing yet."""
        super().__init__(
            bootstrap_servers=bootstrap_servers, request_timeout_ms=request_timeout_ms, **options
        )
        self.limit = request_timeout_ms / 1000
        self.patience = min(getattr(bootstrap_servers, "patience", self.limit), self.limit)
        self._connecting: dict[Place, asyncio.Task[AIOKafkaConnection | None]] = {}
        self._closed = False

    async def bootstrap(self) -> None:
        """Take the first bootstrap address that answers.

        Stock asks one after the other, and waits for each. Raises KafkaConnectionError.
        """
        waiting = [(host, port) for host, port, _ in self.hosts]
        waiting.sort(key=lambda address: is_silent(*address))
        trying: set[asyncio.Task[Any]] = set()
        try:
            while waiting or trying:
                if waiting:
                    trying.add(asyncio.create_task(self._introduce(*waiting.pop(0))))
                done, trying = await asyncio.wait(
                    trying,
                    timeout=_HEAD_START if waiting else None,
                    return_when=asyncio.FIRST_COMPLETED,
                )
                taken = [self._take(task.result()) for task in done]
                if any(taken):
                    break
            else:
                raise KafkaConnectionError(f"Unable to bootstrap from {self.hosts}")
        finally:
            await _cancel(trying)
        if self._sync_task is None:
            # Stock's task, which asks for metadata anew when it is told to, or in time.
            self._sync_task = asyncio.create_task(self._md_synchronizer())

    async def _introduce(self, host: str, port: int) -> tuple[AIOKafkaConnection, Any] | None:
        """Connect, and ask for the brokers; None where that fails."""
        try:
            connection = await self._open(host, port, self.patience)
        except (OSError, KafkaError) as error:
            log.warning("no connection to %s: %r", Address(host, port), error)
            return None
        try:
            return connection, await connection.send(stock.MetadataRequest([]))
        except (OSError, KafkaError) as error:
            log.warning("no metadata from %s: %r", Address(host, port), error)
            connection.close()
            return None
        except asyncio.CancelledError:
            connection.close()
            raise

    def _take(self, found: tuple[AIOKafkaConnection, Any] | None) -> bool:
        """Take what a bootstrap address told, unless another was first."""
        if found is None:
            return False
        connection, metadata = found
        self.cluster.update_metadata(metadata)
        if self.cluster.brokers() or BOOTSTRAP in self._conns:
            connection.close()
        else:  # A cluster without topics may tell of no brokers: stock keeps this one until then.
            self._conns[BOOTSTRAP] = connection
        return True

    def _address(self, node_id: NodeId) -> Address | None:
        broker = self.cluster.broker_metadata(node_id)
        return None if broker is None else Address(broker.host, broker.port)

    def _is_silent(self, node_id: NodeId) -> bool:
        address = self._address(node_id)
        return address is not None and is_silent(*address)

    async def _get_conn(
        self, node_id: NodeId, *, group: int = ConnectionGroup.DEFAULT, no_hint: bool = False
    ) -> AIOKafkaConnection | None:
        """Give a connection, None where there is none, or only to a silent broker.

        Stock has one lock over all attempts of a client: one broker that does not answer holds up
        the others. A silent broker is connected to in the background, until it answers.
        """
        if self._closed:  # What its owner has not ended yet would connect anew.
            return None
        place = (node_id, group)
        silent = self._is_silent(node_id)
        connection = self._conns.get(place)
        if connection is not None and connection.connected():
            if not silent:
                return connection
        else:
            self._conns.pop(place, None)
        attempt = self._connecting.get(place)
        if attempt is None:
            attempt = self._connecting[place] = asyncio.create_task(self._connect(place))
            attempt.add_done_callback(lambda _: self._connecting.pop(place, None))
        if silent:
            self.force_metadata_update()  # Others may lead its partitions by now.
            return None
        return await asyncio.shield(attempt)

    async def _connect(self, place: Place) -> AIOKafkaConnection | None:
        node_id, _ = place
        try:
            address = self._address(node_id)
            if address is None:
                raise StaleMetadata(f"Broker id {node_id} not in current metadata")
            connection = await self._open(
                *address, self.patience, on_close=self._on_connection_closed
            )
        except (OSError, KafkaError) as error:
            log.warning("no connection to broker %s: %r", node_id, error)
            self.force_metadata_update()
            return None
        connection._request_timeout = self.limit
        former = self._conns.get(place)
        if former is not None and former.connected():  # It had been silent, and answers again.
            connection.close()
            return former
        self._conns[place] = connection
        return connection

    async def _open(
        self,
        host: str,
        port: int,
        seconds: float,
        **options: Any,  # noqa: ANN401
    ) -> AIOKafkaConnection:
        """Connect as stock does, each step within so long. Raises OSError, KafkaError."""
        try:
            made = await conn.create_conn(
                host,
                port,
                client_id=self._client_id,
                request_timeout_ms=round(seconds * 1000),
                ssl_context=self._ssl_context,
                security_protocol=self._security_protocol,
                max_idle_ms=self._connections_max_idle_ms,
                sasl_mechanism=self._sasl_mechanism,
                sasl_plain_username=self._sasl_plain_username,
                sasl_plain_password=self._sasl_plain_password,
                sasl_kerberos_service_name=self._sasl_kerberos_service_name,
                sasl_kerberos_domain_name=self._sasl_kerberos_domain_name,
                sasl_oauth_token_provider=self._sasl_oauth_token_provider,
                **options,
            )
        except TimeoutError:
            note_silence(host, port, self.patience)
            raise
        note_answer(host, port)
        _give_up_unacknowledged(made, self.patience)
        return made

    async def close(self) -> None:
        """Let go of all connections; a silent broker takes nothing more, and is not waited for."""
        self._closed = True
        # Stock waits for this task so that it swallows its own caller's cancellation.
        synchronizer, self._sync_task = self._sync_task, None
        connections = tuple(self._conns.values())
        try:
            await _cancel([*self._connecting.values(), *filter(None, [synchronizer])])
            with suppress(TimeoutError):
                async with asyncio.timeout(self.patience):
                    await super().close()
        finally:
            for connection in connections:
                connection.close()
                connection._protocol.transport.abort()


def _give_up_unacknowledged(connection: AIOKafkaConnection, seconds: float) -> None:
    """Have the system end a connection whose bytes nobody acknowledges any more.

    Else a flow that something on the way has dropped lasts until its next request's longest wait:
    the broker lives, and answers new connections.
    """
    if hasattr(socket, "TCP_USER_TIMEOUT"):
        raw = connection._protocol.transport.get_extra_info("socket")
        raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, round(seconds * 1000))


async def _cancel(tasks: Collection["asyncio.Task[Any]"]) -> None:
    for task in tasks:
        task.cancel()
    for result in await asyncio.gather(*tasks, return_exceptions=True):
        if isinstance(result, tuple):  # It had just connected.
            result[0].close()
