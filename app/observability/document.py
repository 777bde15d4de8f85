"""Makes docs/metrics.md from the catalogue; `make documents` writes it."""

from collections.abc import Iterator

from app.observability.catalogue import METRICS, PROCESS, Kind, Metric

_HEAD = """# Metrics
What `/metrics` shows, and nothing else: the list is `app/observability/catalogue.py`, this page is
made from it, and a test compares both with a running worker. Where there are keys, `/metrics` takes
one with the scope `metrics` (docs/deploying.md). No label holds a user, a key or anything else of a
record; the values of each label are few. Alerts and what to do about them: docs/operations.md.

Each worker shows what it does itself: add counters up over workers. A partition is shown by the
worker that runs it, and by no other; but `streamjoin_restore_...` and
`streamjoin_standby_lag_...` also by one that keeps a copy of it (`standby_replicas`).

| metric | kind | labels | what it says |
|---|---|---|---|
"""
_PROCESS = """
Beside them, of the process, by the names that Prometheus' clients agree on:

| metric | what it says |
|---|---|
"""


def metrics_document() -> str:
    """Give the page's text."""
    rows = "".join(map(_row, METRICS))
    process = "".join(f"| `{name}` | {text} |\n" for name, text in PROCESS.items())
    return "".join((_HEAD, rows, *_buckets(), _PROCESS, process))


def _row(metric: Metric) -> str:
    labels = ", ".join(f"`{label}`" for label in metric.labels)
    return f"| `{metric.full_name}` | {metric.kind} | {labels} | {metric.text} |\n"


def _buckets() -> Iterator[str]:
    yield "\nBuckets of the histograms, in seconds:\n\n"
    for metric in METRICS:
        if metric.kind is Kind.HISTOGRAM:
            limits = ", ".join(f"{limit:g}" for limit in metric.buckets)
            yield f"- `{metric.full_name}`: {limits}\n"
