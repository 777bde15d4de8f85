"""How far this machine's clock is from the broker's."""

import asyncio
import time
from typing import Final, NamedTuple

from aiokafka import AIOKafkaProducer
from aiokafka.errors import (
    KafkaError,
    TopicAuthorizationFailedError,
    TransactionalIdAuthorizationFailed,
)

from app.connections import producer
from app.engine.given_up import abort_quietly, stop_quietly
from app.errors import UserError
from app.settings import Settings
from models.topics import REVENUE_PARTIALS

_LOG_APPEND_TIME: Final = 1
_FORBIDDEN: Final = (TopicAuthorizationFailedError, TransactionalIdAuthorizationFailed)


class Difference(NamedTuple):
    """Seconds: by how much the broker is ahead, give or take `within`."""

    ahead: float
    within: float


async def clock_difference(settings: Settings) -> Difference | None:
    """Have the broker stamp a record that nobody sees: its transaction is aborted.

    It goes to the internal topic of partial sums, which stamps by the broker's clock and whose
    readers leave out what was aborted. So it also shows that this user may write there, and may
    use the service's transactional ids. None where the topic stamps otherwise. Raises UserError.
    """
    topic = settings.catalogue().name(REVENUE_PARTIALS)
    client = producer(settings, f"{settings.app_id}-check")
    try:
        async with asyncio.timeout(settings.cluster.question_timeout):
            return await _measure(client, topic)
    except _FORBIDDEN as error:
        raise UserError(
            f"this user may not write to {topic}, or not use transactional ids that begin with "
            f"{settings.app_id}-: see the ACLs ({type(error).__name__})"
        ) from error
    except (KafkaError, OSError, TimeoutError) as error:
        raise UserError(f"a transaction on {topic} fails: {type(error).__name__}") from error
    finally:
        await stop_quietly(client)


async def _measure(client: AIOKafkaProducer, topic: str) -> Difference | None:
    await client.start()
    await client.begin_transaction()
    try:
        await client.send_and_wait(topic, b"", b"check", partition=0)  # Connects first.
        before = time.time()
        sent = await client.send_and_wait(topic, b"", b"check", partition=0)
        after = time.time()
    except BaseException:
        await abort_quietly(client)
        raise
    await client.abort_transaction()
    if sent.timestamp_type != _LOG_APPEND_TIME:
        return None
    # Stamps are cut to milliseconds: half of one is added back.
    ahead = sent.timestamp / 1000 + 0.0005 - (before + after) / 2
    return Difference(ahead, (after - before) / 2 + 0.0005)
