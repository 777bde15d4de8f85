"""Which heartbeats prove that this member owns what it was given: those sent to a steady group."""

from collections.abc import Callable
from typing import Any

from app.engine.clock import since_boot


def note_heartbeats(coordinator: Any, note: Callable[[float], None]) -> None:  # noqa: ANN401 (aiokafka)
    """Have each heartbeat that proves ownership be noted, with when it was sent (`since_boot`)."""
    beat = coordinator._do_heartbeat

    async def noted() -> bool:
        # As of when it was sent: a process, or machine, stopped meanwhile must not take it for new.
        sent = since_boot()
        accepted: bool = await beat()
        # While a rebalance waits for this member the broker answers too, and aiokafka takes it
        # for a success; but the wait ends, and others own the partitions then.
        if accepted and not coordinator._rejoin_needed_fut.done():
            note(sent)
        return accepted

    coordinator._do_heartbeat = noted
