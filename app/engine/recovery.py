"""Faust's recovery service: what happens between an assignment and the first batch."""

import asyncio
import logging
from typing import Any, cast

from faust.tables.recovery import Recovery
from faust.types import TP
from mode import Service

from app.engine.errors import LostError

log = logging.getLogger(__name__)


class StateRecovery(Recovery):
    """Has the engine acquire what was assigned, then lets the fetcher run.

    Stock recovery reads one record at a time through the group's consumer, swallows every
    exception, and in a transaction waits for an offset that is a commit marker (faust.md).
    """

    _revocations = 0

    async def on_stop(self) -> None:
        """Call when the service stops."""

    def on_partitions_revoked(self, revoked: set[TP]) -> None:
        """Nothing is buffered here."""

    async def on_rebalance(
        self, assigned: set[TP], revoked: set[TP], newly_assigned: set[TP], generation_id: int = 0
    ) -> None:
        """Have the new assignment taken, outside of the callback."""
        self.completed.clear()
        self._generation_id = generation_id
        self._revocations = cast("Any", self.app).engine.revocations
        self.signal_recovery_start.set()

    @Service.task
    async def _restart_recovery(self) -> None:
        while not self.should_stop:
            if await self.wait_for_stopped(cast("Any", self.signal_recovery_start)):
                break
            self.signal_recovery_start.clear()
            await self._recover(self._generation_id, self._revocations)

    @Service.task
    async def _slurp_changelogs(self) -> None:
        """Faust's own reading of changelogs has nothing to do here."""

    @Service.task
    async def _publish_stats(self) -> None:
        """Nor have its statistics: `Engine.restoring` says how far each partition is."""

    async def _recover(self, generation: int, revocations: int) -> None:
        app = cast("Any", self.app)
        app.flow_control.resume()
        app.consumer.resume_flow()
        await app._fetcher.maybe_start()
        while not self.should_stop and app.engine.revocations == revocations:
            try:
                await app.take_assignment(revocations)
            except LostError as error:
                log.warning("the assignment could not be taken: %s; trying again", error)
                await asyncio.sleep(0.5)
                continue
            break
        revoked = app.engine.revocations != revocations
        if self.should_stop or revoked or app.consumer_generation_id != generation:
            return
        self.completed.set()
        self.tables.on_actives_ready()
        self.tables.on_standbys_ready()
        app.on_rebalance_end()
