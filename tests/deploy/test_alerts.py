"""The alert rules: Prometheus takes them, they fire when they should, and somebody knows what then.

What needs promtool is skipped, and shown as skipped, where neither the machine nor apt has one.
"""

import json
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from app.observability.catalogue import METRICS, PROCESS, Kind
from tests.support.promtool import find_promtool

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "deploy" / "prometheus"
OPERATIONS = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
DASHBOARD = json.loads((ROOT / "deploy" / "grafana" / "streamjoin.json").read_text("utf-8"))
OTHERS = {"up"}
"""Prometheus' own."""


def rules() -> list[dict[str, Any]]:
    groups = yaml.safe_load((FOLDER / "alerts.yml").read_text(encoding="utf-8"))["groups"]
    return [rule for group in groups for rule in group["rules"]]


def cases() -> list[dict[str, Any]]:
    """What promtool plays through."""
    read = yaml.safe_load((FOLDER / "alerts.test.yml").read_text(encoding="utf-8"))
    return [case for one in read["tests"] for case in one["alert_rule_test"]]


def series() -> set[str]:
    """Every name that a worker's metrics are scraped under."""
    found = set(PROCESS) | OTHERS
    for metric in METRICS:
        ends = ("_bucket", "_sum", "_count") if metric.kind is Kind.HISTOGRAM else ("",)
        found |= {metric.full_name + end for end in ends}
    return found


def named(expression: str) -> set[str]:
    """The metrics that an expression reads."""
    return set(re.findall(r"\b(?:streamjoin_\w+|process_\w+|up)\b", expression))


@pytest.fixture(scope="module")
def promtool() -> Path:
    found = find_promtool()
    if found is None:
        pytest.skip("no promtool on PATH, and none from apt: the alert rules are NOT tested here")
    return found


def run(promtool: Path, *arguments: str) -> str:
    done = subprocess.run(
        [promtool, *arguments], cwd=FOLDER, capture_output=True, text=True, timeout=240
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_prometheus_takes_the_rules(promtool: Path) -> None:
    assert f"{len(rules())} rules found" in run(promtool, "check", "rules", "alerts.yml")


def test_each_alert_fires_when_it_should(promtool: Path) -> None:
    assert "SUCCESS" in run(promtool, "test", "rules", "alerts.test.yml")


def missed(promtool: Path, folder: Path, change: Callable[[dict[str, Any]], None]) -> set[str]:
    """The alerts whose tests fail once every rule is changed in this way."""
    read = yaml.safe_load((FOLDER / "alerts.yml").read_text(encoding="utf-8"))
    for group in read["groups"]:
        for rule in group["rules"]:
            change(rule)
    (folder / "alerts.yml").write_text(yaml.safe_dump(read), encoding="utf-8")
    shutil.copy(FOLDER / "alerts.test.yml", folder)
    command: list[str | Path] = [promtool, "test", "rules", "alerts.test.yml"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=240)
    return set(re.findall(r"alertname: (\w+), time: ", done.stdout + done.stderr))


def test_a_rule_that_never_fires_is_found(promtool: Path, tmp_path: Path) -> None:
    """The test above can fail: each rule, made deaf, is missed in it."""

    def deafen(rule: dict[str, Any]) -> None:
        rule["expr"] = f"({rule['expr']}) and on () vector(0) > 1"

    assert missed(promtool, tmp_path, deafen) == {rule["alert"] for rule in rules()}


def test_a_rule_that_does_not_wait_is_found(promtool: Path, tmp_path: Path) -> None:
    """So can it where a rule fires on what passes by itself."""
    waiting = {rule["alert"] for rule in rules() if "for" in rule}
    assert missed(promtool, tmp_path, lambda rule: rule.pop("for", None)) == waiting


def test_every_alert_is_tested_to_fire() -> None:
    fired = {case["alertname"] for case in cases() if case.get("exp_alerts")}
    assert fired == {rule["alert"] for rule in rules()}


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: rule["alert"])
def test_an_alert_reads_what_there_is_and_has_its_runbook(rule: dict[str, Any]) -> None:
    assert set() < named(rule["expr"]) <= series()
    anchor = f"#{rule['alert'].lower()}"
    assert rule["annotations"]["runbook"] == f"docs/operations.md{anchor}"
    assert f"\n### {rule['alert']}\n" in OPERATIONS


def panels() -> list[dict[str, Any]]:
    return [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]


def test_the_dashboard_reads_what_there_is() -> None:
    expressions = [target["expr"] for panel in panels() for target in panel["targets"]]
    assert len(expressions) >= len(panels()) > 10
    for expression in expressions:
        assert set() < named(expression) <= series(), expression


def test_prometheus_takes_the_dashboards_expressions(promtool: Path, tmp_path: Path) -> None:
    expressions = [target["expr"] for panel in panels() for target in panel["targets"]]
    ready = [text.replace("$__rate_interval", "5m") for text in expressions]
    recorded = [{"record": f"panel:{place}", "expr": text} for place, text in enumerate(ready)]
    path = tmp_path / "panels.yml"
    path.write_text(yaml.safe_dump({"groups": [{"name": "panels", "rules": recorded}]}))
    assert f"{len(recorded)} rules found" in run(promtool, "check", "rules", str(path))


def test_what_alerts_read_has_its_place_on_the_dashboard() -> None:
    shown = {
        name for panel in panels() for target in panel["targets"] for name in named(target["expr"])
    }
    for rule in rules():
        assert named(rule["expr"]) <= shown, rule["alert"]


def test_no_two_panels_lie_on_each_other() -> None:
    taken: set[tuple[int, int]] = set()
    for panel in DASHBOARD["panels"]:
        at = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(at["x"], at["x"] + at["w"])
            for y in range(at["y"], at["y"] + at["h"])
        }
        assert not cells & taken, panel["title"]
        assert at["x"] + at["w"] <= 24
        taken |= cells
