"""Whether the worker lives, whether it is ready, and what it counts."""

from collections.abc import Callable, Sequence
from typing import cast

from app.engine.engine import Engine
from app.engine.faust_app import StreamApp, TableManager
from app.gaps import standing
from app.observability.progress import ProgressWatch
from app.web.membership import GroupMembership
from app.web.problems import unavailable
from models.answers import Alive, PartitionProgress, Readiness, Restoring


class Health:
    """Looks at one worker; it asks nobody else, least of all the broker."""

    def __init__(
        self,
        app: StreamApp,
        membership: GroupMembership,
        warnings: Callable[[], Sequence[str]],
        progress: ProgressWatch,
        *,
        restart_stalled: bool = False,
    ) -> None:
        """`warnings`: what to show beside the verdict.

        `restart_stalled`: do not count as alive while a partition is stalled.
        """
        self._app = app
        self._membership = membership
        self._warnings = warnings
        self._progress = progress
        self._restart_stalled = restart_stalled

    @property
    def ready(self) -> bool:
        """Whether the worker is ready."""
        return not self._reasons()

    def alive(self) -> Alive:
        """Say that the event loop runs: it does.

        Raises ProblemError 503, where that is set, while a partition is stalled though the group
        is reached: what another process may do better. A broker that is away is no such case.
        """
        stalled = self._progress.stalled if self._restart_stalled else []
        if stalled and self._membership.alive:
            raise unavailable("stalled", f"partitions {stalled} have not moved for too long")
        return Alive()

    def readiness(self, *, details: bool) -> Readiness:
        """Say whether the worker has joined and recovered all that is assigned to it."""
        engine = self._app.engine
        reasons = self._reasons()
        if not details:
            return Readiness(ready=not reasons, reasons=reasons)
        restoring = [
            Restoring(partition=number, position=position, end=end)
            for number, (position, end) in sorted(engine.restoring.items())
        ]
        return Readiness(
            ready=not reasons,
            reasons=reasons,
            assigned=sorted(engine.assigned),
            restoring=restoring,
            progress=self.moving(),
            warnings=[*self._warnings(), *self._progress.warnings()],
        )

    def moving(self) -> list[PartitionProgress]:
        """Say how each running partition moves."""
        return [
            PartitionProgress(
                partition=found.partition,
                state=found.state.value,
                lag_records=found.lag_records,
                lag_seconds=round(found.lag_seconds, 3),
                still_seconds=round(found.still_seconds, 3),
            )
            for found in self._progress.progress()
        ]

    def _reasons(self) -> list[str]:
        app, engine = self._app, self._app.engine
        if engine.failure is not None:
            return ["the worker stops after an error; its log has more"]
        if app.should_stop or app.leaving:
            return ["the worker is stopping"]
        reasons = [
            _not_running(engine, number) for number in sorted(engine.assigned - engine.tasks.keys())
        ]
        if app.rebalancing:
            reasons.append("the group is rebalancing")
        elif not cast("TableManager", app.tables).recovery.completed.is_set():
            reasons.append("the worker has not joined the group yet")
        elif not self._membership.alive:
            reasons.append("no heartbeat has succeeded for the session timeout")
        return reasons


def _not_running(engine: Engine, number: int) -> str:
    if number in engine.gaps:
        return standing(number, engine.gaps[number])
    progress = engine.restoring.get(number)
    if progress is None:
        return f"partition {number} is being acquired"
    return f"partition {number} is being restored: {progress[0]} of {progress[1]}"
