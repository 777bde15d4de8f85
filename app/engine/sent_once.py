"""Keeps aiokafka from sending a transaction's requests a second time (reliability, rule 3).

When a connection breaks before the answer, aiokafka's producer sends EndTxn, TxnOffsetCommit and
their like again, with the same epoch, and goes on. The first one may still be under way: if the
broker gets it during the next transaction, it commits the half of that one, or takes its offsets
back. So an unknown outcome ends the producer: the epoch of the next one makes the broker refuse
what comes late.

Nor does a record leave for a partition that is not known to be part of the transaction: aiokafka
forgets at any error what the coordinator had yet to be told of, and sends it then. It would get
into the transaction before, wherever that one's marker is still on its way, and be committed with
it.
"""

from typing import Any

from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.errors import KafkaError, NodeNotReadyError
from aiokafka.protocol.produce import ProduceRequest
from aiokafka.protocol.transaction import (
    AddOffsetsToTxnRequest,
    AddPartitionsToTxnRequest,
    EndTxnRequest,
    TxnOffsetCommitRequest,
)

_ONCE = (
    AddPartitionsToTxnRequest,
    AddOffsetsToTxnRequest,
    TxnOffsetCommitRequest,
    EndTxnRequest,
)


class OutcomeUnknownError(KafkaError):  # type: ignore[misc]
    """A transaction's request was sent, and its answer did not come."""


class NotInTransactionError(KafkaError):  # type: ignore[misc]
    """Records were about to be sent to a partition that the coordinator may not know of."""


def send_once(producer: AIOKafkaProducer) -> AIOKafkaProducer:
    """Have this producer fail where it would send such a request again; the same producer."""
    send = producer.client.send

    async def once(node: Any, request: Any, **options: Any) -> Any:  # noqa: ANN401 (aiokafka)
        if isinstance(request, ProduceRequest):
            _check_announced(producer, request)
        try:
            return await send(node, request, **options)
        except NodeNotReadyError:  # There was no connection: nothing was sent.
            raise
        except KafkaError as error:
            if isinstance(request, _ONCE):
                name = type(request).__name__
                _end(producer, OutcomeUnknownError(f"{name} without an answer: {error!r}"))
            raise

    producer.client.send = once
    return producer


def _check_announced(producer: AIOKafkaProducer, request: ProduceRequest) -> None:
    known = producer._txn_manager.txn_partitions
    for topic, partitions in request._topics:
        for number, _ in partitions:
            if TopicPartition(topic, number) not in known:
                raise NotInTransactionError(f"records to {topic}[{number}] are not sent")


def _end(producer: AIOKafkaProducer, error: OutcomeUnknownError) -> None:
    manager = producer._txn_manager
    if not manager.is_fatal_error():
        manager.fatal_error(error)
        # A commit that had not got so far does not wait for it.
        manager._transaction_waiter.exception()
