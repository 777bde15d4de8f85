"""deploy/prometheus/prometheus.yml: the job that alerts ask for, at the manifest's workers."""

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support.promtool import find_promtool

ROOT = Path(__file__).resolve().parents[2]
SAMPLE = ROOT / "deploy" / "prometheus" / "prometheus.yml"
[JOB] = yaml.safe_load(SAMPLE.read_text(encoding="utf-8"))["scrape_configs"]


def manifest(kind: str, name: str) -> dict[str, Any]:
    path = ROOT / "deploy" / "kubernetes" / "streamjoin.yaml"
    parts: list[dict[str, Any]] = list(yaml.safe_load_all(path.read_text(encoding="utf-8")))
    [found] = [p for p in parts if p["kind"] == kind and p["metadata"]["name"] == name]
    return found


def test_it_is_the_job_that_the_rules_and_the_dashboard_ask_for() -> None:
    for name in ("prometheus/alerts.yml", "grafana/streamjoin.json"):
        text = (ROOT / "deploy" / name).read_text(encoding="utf-8").replace("\\", "")
        assert set(re.findall(r'\bjob="([^"$]+)"', text)) <= {JOB["job_name"]}
    assert JOB["job_name"] == "streamjoin"


def test_it_shows_a_key() -> None:
    assert JOB["authorization"].keys() == {"credentials_file"}


def test_it_finds_the_manifests_workers() -> None:
    [found] = JOB["dns_sd_configs"]
    [name] = found["names"]
    port, _, service, *_ = name.split(".")
    spec = manifest("Service", service)["spec"]
    assert spec["clusterIP"] == "None"
    assert f"_{spec['ports'][0]['name']}" == port
    assert manifest("StatefulSet", "streamjoin")["spec"]["serviceName"] == service


def test_prometheus_takes_it() -> None:
    promtool = find_promtool()
    if promtool is None:
        pytest.skip("no promtool on PATH, and none from apt: the sample is NOT tested here")
    done = subprocess.run(
        [promtool, "check", "config", "--syntax-only", str(SAMPLE)],
        capture_output=True,
        text=True,
        timeout=240,
    )
    assert done.returncode == 0, done.stdout + done.stderr
