"""What each Kafka client asks of whom, in the log: for who looks into a cluster that is slow.

No value, key, name of a topic or secret is in it. Until it is asked for it costs nothing.
"""

import logging
import sys
import time
from collections.abc import Awaitable
from typing import Any

from aiokafka.conn import AIOKafkaConnection

_LOG = logging.getLogger("streamjoin.kafka")
_send = AIOKafkaConnection.send


def trace_requests() -> None:
    """Log every request of this process's clients on stderr from now on, as its answer comes."""
    if AIOKafkaConnection.send is _traced:
        return
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("%(asctime)s kafka %(message)s"))
    _LOG.addHandler(handler)
    _LOG.setLevel(logging.INFO)
    _LOG.propagate = False  # Whatever log_level says.
    AIOKafkaConnection.send = _traced


def _traced(connection: Any, request: Any, expect_response: bool = True) -> Any:  # noqa: ANN401
    """Send as aiokafka does: at once, with an awaitable for the answer."""
    started = time.monotonic()
    try:
        answer = _send(connection, request, expect_response)
    except Exception as error:
        _tell(connection, request, started, type(error).__name__)
        raise
    return _awaited(connection, request, started, answer)


async def _awaited(
    connection: Any,  # noqa: ANN401 (aiokafka is untyped)
    request: Any,  # noqa: ANN401
    started: float,
    answer: Awaitable[Any],
) -> Any:  # noqa: ANN401
    said = "not answered"
    try:
        found = await answer
        code = getattr(found, "error_code", 0)
        said = f"error {code}" if code else "ok"
    except BaseException as error:
        said = type(error).__name__
        raise
    finally:
        _tell(connection, request, started, said)
    return found


def _tell(connection: Any, request: Any, started: float, said: str) -> None:  # noqa: ANN401
    _LOG.info(
        "client=%s node=%s:%s api=%s ms=%.1f %s",
        connection._client_id,
        connection.host,
        connection.port,
        type(request).__name__.strip("_").removesuffix("Request"),
        (time.monotonic() - started) * 1000,
        said,
    )
