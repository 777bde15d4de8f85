"""Whether the worker lives, whether it is ready, and what it counts."""

from collections.abc import Callable, Sequence
from typing import cast

from app.engine.faust_app import StreamApp, TableManager
from app.web.membership import GroupMembership
from models.answers import Readiness, Restoring


class Health:
    """Looks at one worker; it asks nobody else, least of all the broker."""

    def __init__(
        self,
        app: StreamApp,
        membership: GroupMembership,
        warnings: Callable[[], Sequence[str]],
    ) -> None:
        """`warnings`: what to show beside the verdict."""
        self._app = app
        self._membership = membership
        self._warnings = warnings

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
            warnings=list(self._warnings()),
        )

    def _reasons(self) -> list[str]:
        app, engine = self._app, self._app.engine
        if engine.failure is not None:
            return ["the worker stops after an error; its log has more"]
        if app.should_stop:
            return ["the worker is stopping"]
        reasons = [
            _recovering(number, engine.restoring.get(number))
            for number in sorted(engine.assigned - engine.tasks.keys())
        ]
        if app.rebalancing:
            reasons.append("the group is rebalancing")
        elif not cast("TableManager", app.tables).recovery.completed.is_set():
            reasons.append("the worker has not joined the group yet")
        elif not self._membership.alive:
            reasons.append("no heartbeat has succeeded for the session timeout")
        return reasons


def _recovering(number: int, progress: tuple[int, int] | None) -> str:
    if progress is None:
        return f"partition {number} is being acquired"
    return f"partition {number} is being restored: {progress[0]} of {progress[1]}"
