"""Makes the catalogue's metrics, and no others."""

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    disable_created_metrics,
)
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from app.observability.catalogue import METRICS, PREFIX, Kind, Metric

# Else each counter and histogram would have a gauge of its own beside it, on no list.
disable_created_metrics()  # type: ignore[no-untyped-call]

Read = Callable[[], Iterable[tuple[Sequence[str], float]]]
"""Gives labels' values, in the catalogue's order, each with its value."""


class Asked(NamedTuple):
    """A gauge whose values are asked for whenever metrics are collected."""

    metric: Metric
    read: Read


class _Asker(Collector):
    def __init__(self, asked: Asked) -> None:
        self._asked = asked

    def collect(self) -> Iterable[GaugeMetricFamily]:
        metric, read = self._asked
        family = GaugeMetricFamily(metric.full_name, metric.text, labels=metric.labels)
        for labels, value in read():
            family.add_metric(labels, value)
        yield family


class Instruments:
    """The metrics of one worker, in a registry of its own."""

    def __init__(self) -> None:
        """Start with what is known of the process."""
        self.registry = CollectorRegistry()
        self._left = set(METRICS)
        ProcessCollector(registry=self.registry)

    def counter(self, metric: Metric) -> Counter:
        """Make a counter."""
        name, text, labels = self._checked(metric, Kind.COUNTER)
        return Counter(name, text, labels, registry=self.registry)

    def gauge(self, metric: Metric) -> Gauge:
        """Make a gauge."""
        name, text, labels = self._checked(metric, Kind.GAUGE)
        return Gauge(name, text, labels, registry=self.registry)

    def histogram(self, metric: Metric) -> Histogram:
        """Make a histogram."""
        name, text, labels = self._checked(metric, Kind.HISTOGRAM)
        return Histogram(name, text, labels, buckets=metric.buckets, registry=self.registry)

    def ask(self, metric: Metric, read: Read) -> None:
        """Make a gauge that asks `read`."""
        self._checked(metric, Kind.GAUGE)
        self.registry.register(_Asker(Asked(metric, read)))

    def _checked(self, metric: Metric, kind: Kind) -> tuple[str, str, tuple[str, ...]]:
        """Take a metric from the catalogue, once."""
        if metric not in self._left or metric.kind is not kind:
            raise ValueError(f"{metric.name} is no {kind} of the catalogue, or made already")
        self._left.remove(metric)
        return f"{PREFIX}{metric.name}", metric.text, metric.labels
