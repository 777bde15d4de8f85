"""The list of metrics: the code cannot leave it, and the document is made from it."""

import ast
import re
from pathlib import Path

import pytest

from app.documents import DOCUMENTS
from app.observability import catalogue
from app.observability.catalogue import METRICS, Kind, Metric
from app.observability.document import metrics_document
from app.observability.instruments import Instruments
from app.observability.metrics import Metrics

ROOT = Path(__file__).resolve().parents[2]
ALONE = {"app/observability/instruments.py", "app/observability/metrics.py"}
"""Where prometheus_client makes metrics and gives them out."""


def test_the_document_has_a_line_for_each_metric() -> None:
    """That the committed file is this one, tests/web/test_openapi.py sees with the others."""
    lines = metrics_document().splitlines()
    for metric in METRICS:
        [line] = [line for line in lines if line.startswith(f"| `{metric.full_name}` |")]
        assert metric.text in line
        assert all(f"`{label}`" in line for label in metric.labels)
    assert "docs/metrics.md" in DOCUMENTS


def imported(path: Path) -> set[str]:
    """What a file imports of prometheus_client; its parser only reads."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom):
            module = node.module or ""
            if module.startswith("prometheus_client") and module != "prometheus_client.parser":
                found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.Import):
            found |= {a.name for a in node.names if a.name.startswith("prometheus_client")}
    return found


def test_metrics_are_made_in_one_place() -> None:
    users = {
        path.relative_to(ROOT).as_posix(): imported(path)
        for folder in ("app", "agents", "tables", "models")
        for path in sorted((ROOT / folder).rglob("*.py"))
    }
    makers = {name for name, names in users.items() if names - {"CONTENT_TYPE_LATEST"}}
    assert makers == ALONE


@pytest.mark.parametrize(
    "metric",
    [
        Metric("other", Kind.COUNTER, "Not on the list."),
        catalogue.RECORDS._replace(labels=("user",)),
        catalogue.READY,
    ],
)
def test_what_is_not_on_the_list_is_refused(metric: Metric) -> None:
    with pytest.raises(ValueError, match="of the catalogue"):
        Instruments().counter(metric)


def test_a_name_is_taken_once() -> None:
    with pytest.raises(ValueError, match="made already"):
        Metrics().watch(catalogue.RESTORE_LEFT, lambda: [])


@pytest.mark.parametrize("metric", METRICS, ids=lambda metric: metric.name)
def test_names_follow_prometheus_rules(metric: Metric) -> None:
    assert re.fullmatch(r"streamjoin_[a-z][a-z_]*[a-z]", metric.full_name)
    assert metric.full_name.endswith("_total") == (metric.kind is Kind.COUNTER)
    assert (metric.kind is Kind.HISTOGRAM) == bool(metric.buckets)
    assert metric.kind is not Kind.HISTOGRAM or metric.name.endswith("_seconds")
    assert not re.search(r"_(ms|millis|minutes|kb|mb|percent)\b", metric.full_name)
    assert metric.text[0].isupper() or metric.text[0].isdigit()
    assert metric.text.endswith(".")
    assert not set(metric.labels) & {"user", "user_id", "key", "offset", "le", "quantile", "job"}
    assert METRICS.count(metric) == 1
