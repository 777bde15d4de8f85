"""aiokafka's client, changed so that one silent broker of several costs seconds.

aiokafka 0.14 waits for a broker that is stopped, cut off or hung as long as for one that works: 40
seconds for each request, one connection attempt at a time for the whole client, bootstrap addresses
one after the other, metadata and coordinators asked of a broker picked at random. What is changed,
and why, stands at each method of `ConnectingClient` and `BrokerClient`; `install` has aiokafka's
consumer, producer and admin client use it. tests/cluster/test_client.py fails where aiokafka
changes beneath it.
"""

import asyncio
import logging
import random
from collections.abc import Collection
from typing import Any, Final

from aiokafka import client as stock
from aiokafka import conn
from aiokafka.admin import client as admin
from aiokafka.client import ConnectionGroup
from aiokafka.conn import AIOKafkaConnection, CloseReason
from aiokafka.consumer import consumer
from aiokafka.errors import (
    KafkaConnectionError,
    KafkaError,
    NodeNotReadyError,
    RequestTimedOutError,
)
from aiokafka.producer import producer
from aiokafka.protocol.produce import ProduceRequest

from app.cluster.connecting import BOOTSTRAP, ConnectingClient, NodeId
from app.cluster.silence import HeardProtocol, Watch, last_answer

log = logging.getLogger("aiokafka.client")

ANY: Final = "any"
"""In place of a broker's id: whichever answers."""
_QUESTIONS: Final = 2
"""The group of connections for what any broker answers, beside aiokafka's `ConnectionGroup`."""


class BrokerClient(ConnectingClient):
    """The connections below one consumer, producer or admin client."""

    def get_random_node(self) -> NodeId:
        """Give what `send` takes for any broker.

        Stock gives one at random, which may be the silent one, for each new try again.
        """
        return ANY

    def _nodes(self) -> list[NodeId]:
        """Give all brokers, those first that answered last, those last that are silent."""
        found: list[NodeId] = [broker.nodeId for broker in self.cluster.brokers()]
        if BOOTSTRAP in self._conns:
            found.append(BOOTSTRAP[0])
        random.shuffle(found)
        return sorted(found, key=lambda node: (self._is_silent(node), -self._heard(node)))

    def _heard(self, node_id: NodeId) -> float:
        address = self._address(node_id)
        heard = [0.0 if address is None else last_answer(*address)]
        for (node, _), connection in self._conns.items():
            if node == node_id:
                heard.append(connection._protocol.heard)
        return max(heard)

    async def _metadata_update(self, cluster_metadata: Any, topics: Collection[str]) -> bool:  # noqa: ANN401
        """Ask whichever broker answers.

        Stock asks in random order, and keeps the connection on which no answer came.
        """
        request = stock.MetadataRequest(list(topics) if topics else None)
        try:
            metadata = await self.send(ANY, request)
        except KafkaError as error:
            log.warning("no broker tells of the cluster: %r", error)
            cluster_metadata.failed_update(None)
            # What waits for an update may ask for the next one at once.
            await asyncio.sleep(self._retry_backoff)
            return False
        if not metadata.brokers:
            return False
        cluster_metadata.update_metadata(metadata)
        if self.cluster.brokers():
            kept = self._conns.pop(BOOTSTRAP, None)
            if kept is not None:
                kept.close()
        return True

    async def send(
        self,
        node_id: NodeId,
        request: Any,  # noqa: ANN401 (aiokafka is untyped)
        *,
        group: int = ConnectionGroup.DEFAULT,
    ) -> Any:  # noqa: ANN401
        """Send a request, to `ANY` one broker after the other until one answers.

        Those have connections of their own: one that waits for records or acknowledgements answers
        nothing else meanwhile. Raises NodeNotReadyError where nothing was sent,
        RequestTimedOutError, KafkaConnectionError.
        """
        if node_id != ANY:
            return await self._ask(node_id, request, group)
        failure: KafkaError = NodeNotReadyError("no broker is known")
        for node in self._nodes():
            at = ConnectionGroup.DEFAULT if node == BOOTSTRAP[0] else _QUESTIONS
            try:
                return await self._ask(node, request, at)
            except (NodeNotReadyError, RequestTimedOutError) as error:
                failure = error
            except KafkaConnectionError as error:  # For which the sender ends its producer.
                failure = RequestTimedOutError(str(error))
        raise failure

    async def _ask(self, node_id: NodeId, request: Any, group: int) -> Any:  # noqa: ANN401
        connection = await self._get_conn(node_id, group=group)
        if connection is None:
            raise NodeNotReadyError(f"broker {node_id} is not connected")
        unanswered = isinstance(request, ProduceRequest) and request.required_acks == 0
        answer = connection.send(request, expect_response=not unanswered)
        with Watch(connection, self.patience, self._answers) as watch:
            try:
                return await answer
            except TimeoutError as error:
                connection.close(CloseReason.CONNECTION_TIMEOUT)
                raise RequestTimedOutError(f"broker {node_id}") from error
            except KafkaConnectionError as error:
                if watch.silent:
                    raise RequestTimedOutError(f"broker {node_id} is silent") from error
                raise

    async def _answers(self, connection: AIOKafkaConnection, seconds: float) -> bool:
        try:
            made = await self._open(connection.host, connection.port, seconds)
        except OSError:
            return False
        except KafkaError:  # It refuses, so it answers.
            return True
        made.close()
        return True


def install() -> None:
    """Have every client of this process that is made from now on be one of these."""
    conn.AIOKafkaProtocol = HeardProtocol
    consumer.AIOKafkaClient = producer.AIOKafkaClient = admin.AIOKafkaClient = BrokerClient
