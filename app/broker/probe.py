"""Asks a broker whether it serves: ApiVersions and Metadata through aiokafka."""

import asyncio
import contextlib
import logging
import threading
from collections.abc import Iterator

from aiokafka.client import AIOKafkaClient
from aiokafka.errors import KafkaError

_LOGGERS = ("aiokafka.client", "aiokafka.conn", "aiokafka.cluster")


def answers(bootstrap: str) -> bool:
    """Whether the broker at `bootstrap` answers and counts itself among the live brokers.

    Blocking, also for callers inside an event loop: it runs one of its own in a thread.
    """
    result: list[bool] = []

    def ask() -> None:
        with _silenced_here():
            result.append(asyncio.run(_answers(bootstrap)))

    thread = threading.Thread(target=ask, name="broker-probe")
    thread.start()
    thread.join()
    return result == [True]


async def _answers(bootstrap: str) -> bool:
    client = AIOKafkaClient(bootstrap_servers=bootstrap, request_timeout_ms=2000)
    try:
        await client.bootstrap()
        return bool(client.cluster.brokers())
    except (TimeoutError, KafkaError, OSError):
        return False
    finally:
        await client.close()


@contextlib.contextmanager
def _silenced_here() -> Iterator[None]:
    """Drop what this thread's client logs: a broker that does not answer yet is no error here."""
    thread = threading.get_ident()

    def elsewhere(record: logging.LogRecord) -> bool:
        return record.thread != thread

    loggers = [logging.getLogger(name) for name in _LOGGERS]
    for logger in loggers:
        logger.addFilter(elsewhere)
    try:
        yield
    finally:
        for logger in loggers:
            logger.removeFilter(elsewhere)
