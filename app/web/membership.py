"""What this worker knows of the group: who owns which partition, and whether it may answer.

Ownership comes from the group's own metadata: each assignment carries every member's URL with its
partitions (Faust's assignor).
"""

from collections.abc import Callable
from typing import Protocol, TypeVar, cast

from faust.assignor.partition_assignor import PartitionAssignor

from app.engine.clock import since_boot
from app.engine.errors import LostError, StoreError
from app.engine.faust_app import StreamApp
from app.engine.metadata import KEY, Metadata
from app.engine.store.base import Store
from app.settings import Settings
from app.web.problems import not_owner, unavailable
from tables.row import Row
from tables.rows import CommittedRows, Table
from tables.user_rows import PartReader, UserPart

K = TypeVar("K")
R = TypeVar("R", bound=Row)
T = TypeVar("T")


class Snapshot:
    """A partition's committed state, to be read in one go, without waiting in between."""

    def __init__(self, number: int, store: Store, metadata: Metadata) -> None:
        """`metadata`: of the same commit as the rows."""
        self.number = number
        self._store = store
        self._metadata = metadata

    def rows(self, table: Table[K, R]) -> CommittedRows[K, R]:
        """Give a table's rows."""
        return table.reader(self._store)

    def parts(self, part: UserPart[R]) -> PartReader[R]:
        """Give one computation's parts of the users' rows."""
        return part.reader(self._store)

    def stream_time(self, computation: str) -> int:
        """Give a computation's stream time in ms, -1 before its first record."""
        return self._metadata.stream_times.get(computation, -1)

    def offsets(self, topics: tuple[str, ...]) -> dict[str, int]:
        """Give the next source offset of these topics."""
        held = self._metadata.offsets
        return {topic: held[topic] for topic in topics if topic in held}


class Membership(Protocol):
    """What the HTTP interface asks of the worker around it.

    Workers are named as they advertise themselves (`app/proofs.py`); `url`: this one's name.
    """

    url: str
    partitions: int

    def owners(self) -> dict[int, str]:
        """Give each partition's owner, as of the last assignment."""

    def members(self) -> dict[str, list[int]]:
        """Give every member with its partitions, as of the last assignment."""

    def owns(self, number: int) -> bool:
        """Whether this worker's committed state of a partition may be asked."""

    def read(self, number: int, work: Callable[[Snapshot], T]) -> T:
        """Answer from a partition's committed state. Raises ProblemError where it must not be."""


class GroupMembership:
    """The `Membership` of a running worker."""

    def __init__(self, app: StreamApp, settings: Settings) -> None:
        """`app`: the worker's."""
        self._app = app
        self._session = settings.session_timeout / 1000
        self.url = app.advertised
        self.partitions = app.engine.parts.partitions

    @property
    def alive(self) -> bool:
        """Whether the last heartbeat that succeeded is younger than the session timeout.

        An older one may be that of a member that the group has expelled without its noticing.
        """
        beat = self._app.consumer_service.thread.last_heartbeat
        return since_boot() - beat < self._session

    def owners(self) -> dict[int, str]:
        """See `Membership`."""
        return {number: url for url, numbers in self.members().items() for number in numbers}

    def members(self) -> dict[str, list[int]]:
        """See `Membership`."""
        assignor = cast("PartitionAssignor", self._app.assignor)
        changelog = self._app.changelog
        return {
            str(url).rstrip("/"): sorted(topics.get(changelog, ()))
            for url, topics in assignor.changelog_distribution.items()
        }

    def owns(self, number: int) -> bool:
        """See `Membership`."""
        engine = self._app.engine
        return engine.serves(number) and number in engine.assigned

    def read(self, number: int, work: Callable[[Snapshot], T]) -> T:
        """See `Membership`."""
        try:
            return self._read(number, work)
        except (LostError, StoreError) as error:
            # The partition's task finds that out as well, and does what there is to do.
            raise unavailable(
                "recovering", f"the state of partition {number} could not be read and is renewed"
            ) from error

    def _read(self, number: int, work: Callable[[Snapshot], T]) -> T:
        store = self._app.engine.store(number) if self.owns(number) else None
        metadata = None if store is None else Metadata.decode(store.get(KEY))
        if store is None or metadata is None:
            if number in self._app.engine.assigned:
                raise unavailable("recovering", self._progress(number))
            raise not_owner(number)
        self._check_alive()
        result = work(Snapshot(number, store, metadata))
        self._check_alive()
        return result

    def _check_alive(self) -> None:
        if not self.alive:
            raise unavailable(
                "membership-unsure",
                "this worker has not reached the group for the session timeout: "
                "another one may own the partition by now",
            )

    def _progress(self, number: int) -> str:
        position, end = self._app.engine.restoring.get(number, (0, 0))
        return f"partition {number} is being recovered, at {position} of {end} in its changelog"
