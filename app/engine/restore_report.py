"""Says how a restore goes: nothing of a short one, and a line every few seconds of a long one."""

import logging
import time
from collections.abc import Sequence
from types import TracebackType
from typing import Self

from aiokafka import TopicPartition

from app.engine.store.base import Change
from app.observability.metrics import Metrics

log = logging.getLogger(__name__)
_EVERY = 5.0
# In seconds: what nobody notices, and what makes people wonder.
_SHORT, _LONG = 1.0, 10.0
# Offsets.
_MANY = 20_000


class RestoreReport:
    """One partition's, in log and metrics."""

    def __init__(self, place: TopicPartition, position: int, end: int, metrics: Metrics) -> None:
        """`position`, `end`: offsets in the changelog, where it begins and how far it goes."""
        self._place = place
        self._end = end
        self._metrics = metrics
        self._began = self._said = time.monotonic()
        self._records = self._bytes = 0
        metrics.restoring(place.partition, end - position)
        log.log(
            logging.INFO if end - position > _MANY else logging.DEBUG,
            "partition %d: %d offsets of %s are to be restored, %d to %d",
            place.partition, end - position, place.topic, position, end,
        )  # fmt: skip

    def applied(self, changes: Sequence[Change], position: int) -> None:
        """Count what has been applied; `position`: up to where."""
        self._records += len(changes)
        size = sum([len(key) + len(value) if value else len(key) for key, value in changes])
        self._bytes += size
        left = max(self._end - position, 0)
        self._metrics.restored(self._place.partition, len(changes), size, left)
        if time.monotonic() - self._said >= _EVERY:
            self._say(f"{left} offsets are left")

    def _level(self, seconds: float) -> int:
        if seconds >= _LONG:
            return logging.WARNING
        return logging.INFO if seconds >= _SHORT else logging.DEBUG

    def _say(self, more: str) -> None:
        now = time.monotonic()
        self._said, seconds = now, max(now - self._began, 1e-6)
        log.log(
            self._level(seconds),
            "partition %d: %d records restored, %.1f MB in %.1f s (%.0f records/s, %.1f MB/s); %s",
            self._place.partition, self._records, self._bytes / 1e6, seconds,
            self._records / seconds, self._bytes / 1e6 / seconds, more,
        )  # fmt: skip

    def __enter__(self) -> Self:
        """Begin."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Say how it went."""
        self._metrics.restoring(self._place.partition, 0)
        self._say("done" if error is None else "broken off")
