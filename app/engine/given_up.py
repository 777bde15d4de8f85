"""Ends producers and transactions that are given up: in bounded time, and without another error.

So the failure itself is what a person hears of.
"""

import asyncio
from contextlib import suppress
from typing import Final

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from app.cancelling import cancel_until_ended

_SECONDS: Final = 5.0
_AGAIN_SECONDS: Final = 0.25


async def stop_quietly(producer: AIOKafkaProducer) -> None:
    """Stop a producer whose transaction, if one is open, is lost anyway; also when cancelled."""
    stopped = False
    try:
        with suppress(KafkaError, TimeoutError, AssertionError, asyncio.InvalidStateError):
            async with asyncio.timeout(_SECONDS):
                await producer.stop()
                stopped = True
    finally:
        # Else it would go on to offer its records to the broker, over new connections.
        if not stopped:
            sender = producer._sender.sender_task
            if sender is not None:
                await cancel_until_ended(sender, _AGAIN_SECONDS, _SECONDS)
            await producer.client.close()


async def abort_quietly(producer: AIOKafkaProducer) -> None:
    """Abort the open transaction if the broker lets it; else whoever begins the next one does.

    A producer that has been fenced can abort nothing, and a broker that is gone does not answer.
    """
    with suppress(AssertionError, KafkaError, TimeoutError):
        async with asyncio.timeout(_SECONDS):
            await producer.abort_transaction()
    _hear(producer)


def _hear(producer: AIOKafkaProducer) -> None:
    """Keep asyncio from logging at the end that nobody asked what became of these futures."""
    futures = [producer._txn_manager.wait_for_transaction_end()]
    for batches in producer._message_accumulator._batches.values():
        futures += [batch._drain_waiter for batch in batches]
    for future in futures:
        if future.done() and not future.cancelled():
            future.exception()
