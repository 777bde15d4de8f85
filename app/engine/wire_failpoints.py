"""The failpoints that lie between two requests of aiokafka's sender.

They need a hand on the producer's connection, and are put there only in a worker that is armed with
one of them. Each waits until the transaction's records are acknowledged, so that there is something
to lose when the process dies.
"""

import asyncio
from typing import Any

from aiokafka import AIOKafkaProducer
from aiokafka.protocol.produce import ProduceRequest
from aiokafka.protocol.transaction import (
    AddOffsetsToTxnRequest,
    EndTxnRequest,
    TxnOffsetCommitRequest,
)

from app.engine import failpoints

_BEFORE = {
    AddOffsetsToTxnRequest: failpoints.BEFORE_ADD_OFFSETS,
    TxnOffsetCommitRequest: failpoints.BEFORE_OFFSETS,
}
_NAMES = (*_BEFORE.values(), failpoints.AFTER_OFFSETS, failpoints.END_UNANSWERED)


def arm(producer: AIOKafkaProducer) -> None:
    """Have a transactional producer's process die where it is armed to."""
    if failpoints.ARMED in _NAMES:
        client = producer.client
        client.send = _Wire(client).send


class _Wire:
    """In place of `AIOKafkaClient.send`."""

    def __init__(self, client: Any) -> None:  # noqa: ANN401 (aiokafka)
        self._client = client
        self._send = client.send
        self._acknowledged = asyncio.Event()

    async def send(self, node: int, request: Any, **more: Any) -> Any:  # noqa: ANN401
        """Send a request, or die."""
        kind = type(request)
        if kind in _BEFORE and failpoints.passes(_BEFORE[kind]):
            await self._die_with_records()
        if kind is EndTxnRequest:
            self._acknowledged.clear()
            if failpoints.passes(failpoints.END_UNANSWERED):
                await self._die_unanswered(node, request, more)
        answer = await self._send(node, request, **more)
        if kind is ProduceRequest:
            self._acknowledged.set()
        if kind is TxnOffsetCommitRequest and failpoints.passes(failpoints.AFTER_OFFSETS):
            await self._die_with_records()
        return answer

    async def _die_with_records(self) -> None:
        await self._acknowledged.wait()
        failpoints.die()

    async def _die_unanswered(self, node: int, request: Any, more: dict[str, Any]) -> None:  # noqa: ANN401
        sending = asyncio.ensure_future(self._send(node, request, **more))
        while not self._written():
            if sending.done():
                raise RuntimeError("EndTxn was not seen on its way: this failpoint is broken")
            await asyncio.sleep(0)
        failpoints.die()

    def _written(self) -> bool:
        """Whether an EndTxn is in the kernel's hands, and not yet answered."""
        return any(
            sent.API_KEY == EndTxnRequest.API_KEY
            and connection._writer.transport.get_write_buffer_size() == 0
            for connection in self._client._conns.values()
            for _, sent, _ in connection._requests
        )
