"""Asks a broker whether it serves: ApiVersions and Metadata through aiokafka."""

import asyncio
import logging
import threading

from aiokafka.client import AIOKafkaClient
from aiokafka.errors import KafkaError


def answers(bootstrap: str) -> bool:
    """Whether the broker at `bootstrap` answers and counts itself among the live brokers.

    Blocking, also for callers inside an event loop: it runs one of its own in a thread.
    """
    result: list[bool] = []
    thread = threading.Thread(target=lambda: result.append(asyncio.run(_answers(bootstrap))))
    thread.start()
    thread.join()
    return result == [True]


async def _answers(bootstrap: str) -> bool:
    # It reports every refused connection as an error; here that is an answer.
    logger = logging.getLogger("aiokafka")
    level = logger.level
    logger.setLevel(logging.CRITICAL)
    client = AIOKafkaClient(bootstrap_servers=bootstrap, request_timeout_ms=2000)
    try:
        await client.bootstrap()
        return bool(client.cluster.brokers())
    except (KafkaError, OSError, asyncio.TimeoutError):
        return False
    finally:
        await client.close()
        logger.setLevel(level)
