"""User events: each goes through every computation over them, in the order of the topic."""

from collections.abc import Callable
from typing import Protocol

from agents.partition import Batches, Partition
from agents.windows import Averaging, EventCounting, HoppingCounting, SessionTracking
from models.events import UserEvent
from models.topics import Catalogue
from tables import totals
from tables.rules import Rules
from tables.totals import TotalsFold


class Computation(Protocol):
    """One computation over the user events of a partition."""

    @property
    def overdue(self) -> bool:
        """Whether the next commit has something to do, though nothing more is taken."""

    def take(self, event: UserEvent) -> None:
        """Take an event."""

    def before_commit(self) -> None:
        """Write what is written once a commit; forget what is past its time."""


class Totalling:
    """Events by action, since ever."""

    def __init__(self, partition: Partition, catalogue: Catalogue, rules: Rules) -> None:
        """See `COMPUTATIONS`."""
        self._totals = TotalsFold(partition.rows(totals.TOTALS), partition.stream_time(totals.NAME))
        self.overdue = False

    def take(self, event: UserEvent) -> None:
        """Count an event."""
        self._totals.event(event.user_id, event.timestamp, event.action)

    def before_commit(self) -> None:
        """Nothing is published, and nothing forgotten."""


COMPUTATIONS: tuple[Callable[[Partition, Catalogue, Rules], Computation], ...] = (
    EventCounting,
    HoppingCounting,
    Averaging,
    SessionTracking,
    Totalling,
)
"""What is computed over user events; docs/windows.md shows how to add one."""


class UserEventsWork:
    """What one partition does with its user events."""

    def __init__(self, partition: Partition, catalogue: Catalogue, rules: Rules) -> None:
        """`catalogue`: the topics' actual names."""
        self._computations = [make(partition, catalogue, rules) for make in COMPUTATIONS]
        self._takers = [computation.take for computation in self._computations]

    def take(self, event: UserEvent) -> None:
        """Have each computation take an event."""
        for take in self._takers:
            take(event)

    @property
    def overdue(self) -> bool:
        """Whether the next commit has something to do, though nothing more is taken."""
        return any(computation.overdue for computation in self._computations)

    def before_commit(self) -> None:
        """Have each computation write what it writes once a commit."""
        for computation in self._computations:
            computation.before_commit()

    def committed(self) -> None:
        """Nothing to note."""


async def follow_users(batches: Batches[UserEvent]) -> None:
    """The agent of `user-events`."""
    async for batch in batches:
        take = batch.work(UserEventsWork).take
        for event in batch:
            take(event)
