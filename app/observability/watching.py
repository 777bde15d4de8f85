"""What is asked of a worker whenever its metrics are collected."""

import os
from collections.abc import Callable, Iterator
from contextlib import suppress
from itertools import chain
from pathlib import Path

from app.engine.engine import Engine
from app.engine.errors import LostError, StoreError
from app.observability import catalogue
from app.observability.metrics import Metrics
from app.observability.progress import ProgressWatch, states

Values = Iterator[tuple[tuple[str, ...], float]]


def watch_worker(
    metrics: Metrics,
    engine: Engine,
    progress: ProgressWatch,
    ready: Callable[[], bool],
    folder: Path,
) -> None:
    """Show the engine's partitions, how they move, how large their states are, and the volume.

    `folder`: where the states lie.
    """
    metrics.watch_lag(engine.lags)
    metrics.watch_partitions(catalogue.STANDBY_LAG, lambda: engine.standbys.behind)
    metrics.watch_partitions(catalogue.STANDBY_SECONDS, lambda: engine.standbys.ages)
    metrics.watch(catalogue.LAG_SECONDS, lambda: _lag_seconds(progress))
    metrics.watch(catalogue.STATE, lambda: states(progress.progress()))
    metrics.watch(catalogue.PARTITIONS, lambda: _partitions(engine))
    metrics.watch(catalogue.TOPIC_PARTITIONS, lambda: [((), engine.parts.partitions)])
    metrics.watch(catalogue.DATA_FREE, lambda: _volume(folder, lambda found: found.f_bavail))
    metrics.watch(catalogue.DATA_SIZE, lambda: _volume(folder, lambda found: found.f_blocks))
    metrics.watch(catalogue.GONE, lambda: _gone(engine))
    metrics.watch(catalogue.STATE_BYTES, lambda: _sizes(engine))
    metrics.watch(catalogue.STORES_WAITING, lambda: [((), engine.starved)])
    metrics.watch(catalogue.READY, lambda: [((), float(ready()))])


def _lag_seconds(progress: ProgressWatch) -> Values:
    for lag in progress.lags():
        yield (lag.topic, str(lag.partition)), lag.seconds


def _partitions(engine: Engine) -> Values:
    yield ("assigned",), len(engine.assigned)
    yield ("running",), len(engine.tasks)
    yield ("restoring",), len(engine.restoring)
    yield ("standing",), len(engine.gaps)
    yield ("standby",), len(engine.standbys.numbers)


def _gone(engine: Engine) -> Values:
    for gap in chain.from_iterable(engine.gaps.values()):
        yield (gap.topic, str(gap.partition)), gap.gone


def _sizes(engine: Engine) -> Values:
    for number in sorted(engine.tasks):
        store = engine.store(number)
        with suppress(LostError, StoreError):  # Its task finds that out as well.
            if store is not None:
                yield (str(number),), store.size


def _volume(folder: Path, blocks: Callable[[os.statvfs_result], int]) -> Values:
    with suppress(OSError):  # Whoever reads or writes there says what is wrong.
        found = os.statvfs(folder)
        yield (), blocks(found) * found.f_frsize
