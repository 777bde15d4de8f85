"""What is asked of a worker whenever its metrics are collected."""

from collections.abc import Callable, Iterator
from contextlib import suppress

from app.engine.engine import Engine
from app.engine.errors import LostError, StoreError
from app.observability import catalogue
from app.observability.metrics import Metrics
from app.observability.progress import ProgressWatch, states

Values = Iterator[tuple[tuple[str, ...], float]]


def watch_worker(
    metrics: Metrics, engine: Engine, progress: ProgressWatch, ready: Callable[[], bool]
) -> None:
    """Show the engine's partitions, how they move, and how large their states are."""
    metrics.watch_lag(engine.lags)
    metrics.watch_standbys(lambda: engine.standbys.behind)
    metrics.watch(catalogue.LAG_SECONDS, lambda: _lag_seconds(progress))
    metrics.watch(catalogue.STATE, lambda: states(progress.progress()))
    metrics.watch(catalogue.PARTITIONS, lambda: _partitions(engine))
    metrics.watch(catalogue.STATE_BYTES, lambda: _sizes(engine))
    metrics.watch(catalogue.READY, lambda: [((), float(ready()))])


def _lag_seconds(progress: ProgressWatch) -> Values:
    for lag in progress.lags():
        yield (lag.topic, str(lag.partition)), lag.seconds


def _partitions(engine: Engine) -> Values:
    yield ("assigned",), len(engine.assigned)
    yield ("running",), len(engine.tasks)
    yield ("restoring",), len(engine.restoring)
    yield ("standby",), len(engine.standbys.numbers)


def _sizes(engine: Engine) -> Values:
    for number in sorted(engine.tasks):
        store = engine.store(number)
        with suppress(LostError, StoreError):  # Its task finds that out as well.
            if store is not None:
                yield (str(number),), store.size
