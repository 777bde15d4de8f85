"""Whether each partition moves: OK, SLOW or STALLED.

By what is committed and by what the broker last said of the topics' ends; the broker is not asked,
and one that is away stalls nobody: then partitions are lost, and acquired again when it is back.
"""

import asyncio
import logging
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from enum import StrEnum
from typing import NamedTuple

from app.engine.clock import Clock
from app.engine.standing import Standing

log = logging.getLogger(__name__)
# Between two looks of the watch's own.
_EVERY_SECONDS = 1.0
# The most that counts between two looks: a process that was stopped has stalled nothing.
_MOST_SECONDS = 10.0


class State(StrEnum):
    """How a partition moves.

    `stalled`: records wait, and nothing has been committed for `stalled_after`. `slow`: it does
    commit, but the first record that waits has waited for longer than that.
    """

    OK = "ok"
    SLOW = "slow"
    STALLED = "stalled"


class Progress(NamedTuple):
    """One partition's. `lag_seconds`: of the record that has waited longest.

    `still_seconds`: since the last commit that moved it, or since records wait; 0 without any.
    """

    partition: int
    state: State
    lag_records: int
    lag_seconds: float
    still_seconds: float


class TopicLag(NamedTuple):
    """One topic's in one partition; `seconds`: how long its first record has waited."""

    topic: str
    partition: int
    records: int
    seconds: float


class ProgressWatch:
    """Looks at the partitions of one worker, every second and whenever it is asked."""

    def __init__(
        self, look: Callable[[], Iterable[Standing]], clock: Clock, stalled_after: float
    ) -> None:
        """`look`: at all that runs; `stalled_after` in seconds."""
        self._look = look
        self._clock = clock
        self._after = stalled_after
        self._looked = clock.monotonic()
        # By partition: its committed offsets, and how long they have stood while records waited.
        self._still: dict[int, tuple[frozenset[tuple[str, int]], float]] = {}
        self._states: dict[int, State] = {}

    def progress(self) -> list[Progress]:
        """Give every running partition's, in the order of their numbers."""
        by_number = defaultdict[int, list[Standing]](list)
        for standing in self._look():
            by_number[standing.partition].append(standing)
        now = self._clock.monotonic()
        passed, self._looked = min(now - self._looked, _MOST_SECONDS), now
        before, self._still = self._still, {}
        found = [
            self._of(number, by_number[number], before.get(number), passed)
            for number in sorted(by_number)
        ]
        self._tell(found)
        return found

    def lags(self) -> list[TopicLag]:
        """Give every topic's lag in every running partition."""
        return [TopicLag(s.topic, s.partition, s.lag, self._waited(s)) for s in self._look()]

    @property
    def stalled(self) -> list[int]:
        """Which partitions are stalled."""
        return [p.partition for p in self.progress() if p.state is State.STALLED]

    def warnings(self) -> list[str]:
        """Give a line for each partition that does not keep up."""
        return [_words(found) for found in self.progress() if found.state is not State.OK]

    def _of(
        self,
        number: int,
        standings: Sequence[Standing],
        before: tuple[frozenset[tuple[str, int]], float] | None,
        passed: float,
    ) -> Progress:
        lag = sum(standing.lag for standing in standings)
        offsets = frozenset((standing.topic, standing.committed) for standing in standings)
        still = before[1] + passed if before is not None and before[0] == offsets else 0.0
        if lag:
            self._still[number] = offsets, still
        else:
            still = 0.0
        seconds = max(self._waited(standing) for standing in standings)
        state = State.OK
        if still >= self._after:
            state = State.STALLED
        elif seconds >= self._after:
            state = State.SLOW
        return Progress(number, state, lag, seconds, still)

    def _waited(self, standing: Standing) -> float:
        """Give how long the first record has waited; before it is fetched, since it is known of."""
        if not standing.lag:
            return 0.0
        if standing.oldest is None or standing.oldest < 0:
            known = self._still.get(standing.partition)
            return 0.0 if known is None else known[1]
        return max(self._clock.wall_ms() - standing.oldest, 0) / 1000

    def _tell(self, found: Sequence[Progress]) -> None:
        """Log what begins to stall, and what has come loose."""
        for one in found:
            before = self._states.get(one.partition, State.OK)
            if one.state is State.STALLED and before is not State.STALLED:
                log.error("%s", _words(one))
            elif before is State.STALLED and one.state is not State.STALLED:
                log.warning("partition %d commits again", one.partition)
        self._states = {one.partition: one.state for one in found}

    async def running(self, _: object) -> AsyncIterator[None]:
        """Look every second, in the background, for as long as the block lasts."""
        looking = asyncio.create_task(self._run(), name="progress-watch")
        yield
        looking.cancel()
        with suppress(asyncio.CancelledError):
            await looking

    async def _run(self) -> None:
        while True:
            self.progress()
            await asyncio.sleep(_EVERY_SECONDS)


def _words(found: Progress) -> str:
    waiting = f"{found.lag_records} records wait, the first for {found.lag_seconds:.0f} s"
    if found.state is State.STALLED:
        return (
            f"partition {found.partition} is stalled: {waiting}; "
            f"no commit for {found.still_seconds:.0f} s"
        )
    return f"partition {found.partition} is slow: {waiting}"


def states(found: Iterable[Progress]) -> Iterator[tuple[tuple[str, str], float]]:
    """Give 1 for the state that each partition is in, 0 for the others."""
    for one in found:
        for state in State:
            yield (str(one.partition), state.value), float(one.state is state)
