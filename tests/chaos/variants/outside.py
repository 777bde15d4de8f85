"""Outputs written without a transaction, for variants."""

from collections.abc import Sequence
from typing import Any

from app.engine.record_batches import Batches
from models.outputs import Output


async def outside(writer: Any, outputs: Sequence[Output], only: str | None) -> list[Output]:  # noqa: ANN401
    """Write outputs at once, those of topics that end in `only` or all; the others.

    `writer`: a `TransactionWriter`.
    """
    mine = [o for o in outputs if only is None or o.topic.endswith(only)]
    if mine:
        producer = writer._make(None)
        await producer.start()
        batches = Batches(producer, writer._count)
        for output in mine:
            batches.add(output)
        await batches.send()
        await producer.stop()
    return [output for output in outputs if output not in mine]
