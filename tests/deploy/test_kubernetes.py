"""The Kubernetes manifest: valid by the API's own schema, and as strict as it says."""

from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

from app.settings import load_worker_settings

ROOT = Path(__file__).resolve().parents[2]
PATH = ROOT / "deploy" / "kubernetes" / "streamjoin.yaml"
PARTS: list[dict[str, Any]] = list(yaml.safe_load_all(PATH.read_text(encoding="utf-8")))
VERSIONS = ("1.31", "1.37")
"""Of Kubernetes: the oldest and the newest that it is checked against."""


def part(kind: str, place: int = 0) -> Any:  # noqa: ANN401 (YAML)
    return [found for found in PARTS if found["kind"] == kind][place]


WORKERS = part("StatefulSet")["spec"]
POD = WORKERS["template"]["spec"]
[CONTAINER] = POD["containers"]
ENVIRONMENT = {item["name"]: item.get("value") for item in CONTAINER["env"]}


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("found", PARTS, ids=lambda found: f"{found['kind']}-{found['metadata']}")
def test_each_part_is_valid(found: dict[str, Any], version: str) -> None:
    """By the schema of the API server, which knows every field: others are refused."""
    kubernetes_validate.validate(found, version, strict=True)


@pytest.mark.parametrize(
    ("where", "wrong"),
    [
        (("spec", "replicas"), "three"),
        (("spec", "template", "spec", "containers"), [{"image": "x"}]),
        (("spec", "volumes"), []),
    ],
)
def test_a_wrong_manifest_is_refused(where: tuple[str, ...], wrong: object) -> None:
    found = yaml.safe_load(yaml.safe_dump(part("StatefulSet")))
    place = found
    for name in where[:-1]:
        place = place[name]
    place[where[-1]] = wrong
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(found, VERSIONS[-1], strict=True)


def test_it_runs_as_nobody_with_nothing_to_write_but_its_volume() -> None:
    assert POD["securityContext"]["runAsNonRoot"] is True
    assert POD["securityContext"]["runAsUser"] == 10001
    inside = CONTAINER["securityContext"]
    assert inside["readOnlyRootFilesystem"] is True
    assert inside["allowPrivilegeEscalation"] is False
    assert inside["capabilities"] == {"drop": ["ALL"]}
    assert POD["automountServiceAccountToken"] is False
    [claim] = WORKERS["volumeClaimTemplates"]
    mounts = {mount["name"]: mount["mountPath"] for mount in CONTAINER["volumeMounts"]}
    assert mounts.pop(claim["metadata"]["name"]) == "/data"
    assert {volume["name"] for volume in POD["volumes"]} == set(mounts) == {"tmp"}
    assert list(POD["volumes"][0]) == ["name", "emptyDir"]


def test_probes_ask_what_they_are_for() -> None:
    paths = {name: CONTAINER[f"{name}Probe"]["httpGet"]["path"] for name in ("startup", "liveness")}
    assert paths == {"startup": "/livez", "liveness": "/livez"}
    assert CONTAINER["readinessProbe"]["httpGet"]["path"] == "/readyz"
    assert POD["terminationGracePeriodSeconds"] > 10


def test_everything_that_selects_selects_the_workers() -> None:
    labels = WORKERS["template"]["metadata"]["labels"]
    assert WORKERS["selector"]["matchLabels"] == labels
    assert part("PodDisruptionBudget")["spec"]["selector"]["matchLabels"] == labels
    for place in (0, 1):
        service = part("Service", place)
        assert service["spec"]["selector"] == labels
        assert service["spec"]["ports"][0]["targetPort"] == CONTAINER["ports"][0]["name"]
    own = part("Service", 1)["metadata"]["name"]
    assert WORKERS["serviceName"] == own
    assert f"$(POD_NAME).{own}:" in str(ENVIRONMENT["STREAMJOIN_ADVERTISED_URL"])


def test_workers_talk_to_each_other_kafka_and_nobody_else_by_default() -> None:
    policy, [port] = part("NetworkPolicy")["spec"], CONTAINER["ports"]
    labels = WORKERS["template"]["metadata"]["labels"]
    workers = {"podSelector": {"matchLabels": labels}}
    assert policy["podSelector"] == workers["podSelector"]
    assert policy["policyTypes"] == ["Ingress", "Egress"]
    [into] = policy["ingress"]
    web = [{"port": port["name"], "protocol": "TCP"}]
    assert (into["ports"], into["from"][0]) == (web, workers)
    # None of them is everybody.
    assert all(next(iter(source.values()))["matchLabels"] for source in into["from"])
    to_workers, names, kafka = policy["egress"]
    assert to_workers == {"ports": web, "to": [workers]}
    assert {one["port"] for one in names["ports"]} == {53}
    _, _, listener = str(ENVIRONMENT["STREAMJOIN_BROKER"]).partition(":")
    assert kafka["ports"] == [{"port": int(listener), "protocol": "TCP"}]


def test_the_service_takes_its_settings() -> None:
    """Those of the manifest, of the secret and of the image, with a pod's name put in."""
    given = {
        name.removeprefix("STREAMJOIN_").lower(): value.replace("$(POD_NAME)", "streamjoin-0")
        for name, value in ENVIRONMENT.items()
        if name.startswith("STREAMJOIN_") and value is not None
    }
    settings = load_worker_settings(
        **given, web_host="0.0.0.0", api_key="a" * 16, peer_key="b" * 16
    )
    assert set(given) <= set(settings.model_fields_set)
    assert settings.url == "http://streamjoin-0.streamjoin-workers:6066"
    assert settings.group_instance_id == "streamjoin-0"
    assert settings.restart_stalled
