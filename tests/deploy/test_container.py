"""The image and the compose file: nobody's user, nothing to write but the volume."""

import re
from pathlib import Path
from typing import Any

import yaml

from app.settings import load_worker_settings
from models.topics import TOPICS, Direction
from tests.support.command import streamjoin
from tests.support.kafka import Kafka

ROOT = Path(__file__).resolve().parents[2]
LAST_STAGE = (ROOT / "Dockerfile").read_text(encoding="utf-8").rsplit("\nFROM ", 1)[1]
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text("utf-8"))
OURS = ("topics", "worker")
IMAGES = dict(re.findall(r"\b(STREAMJOIN_\w+)=(\S+)", LAST_STAGE))


def test_the_image_runs_as_nobody() -> None:
    [user] = re.findall(r"^USER (.+)$", LAST_STAGE, flags=re.MULTILINE)
    assert user == "10001:10001"
    after = LAST_STAGE[LAST_STAGE.index("\nUSER ") :]
    assert "\nRUN " not in after
    assert "\nENTRYPOINT " in after
    assert "--owner 10001 --group 10001 --mode 0700 /data" in LAST_STAGE


def test_the_image_holds_no_secret() -> None:
    text = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    assert not re.findall(r"^(?:ARG|ENV).*(?:KEY|PASSWORD|TOKEN|SECRET)", text, re.MULTILINE)
    ignored = (ROOT / ".dockerignore").read_text(encoding="utf-8").split()
    assert "*" in ignored or ".env" in ignored


def test_compose_runs_it_with_a_read_only_root_and_no_capability() -> None:
    for name in OURS:
        service = COMPOSE["services"][name]
        assert service["read_only"] is True
        assert service["cap_drop"] == ["ALL"]
        assert service["security_opt"] == ["no-new-privileges:true"]
        assert service["tmpfs"] == ["/tmp"]  # noqa: S108 (the container's own)
        assert not {"user", "privileged", "cap_add"} & service.keys()
    assert COMPOSE["services"]["worker"]["volumes"] == ["/data"]


def test_compose_publishes_on_loopback_alone() -> None:
    ports = [port for service in COMPOSE["services"].values() for port in service.get("ports", ())]
    assert ports
    assert all(port.startswith("127.0.0.1:") for port in ports)


def test_compose_does_not_start_without_keys() -> None:
    environment = COMPOSE["services"]["worker"]["environment"]
    for name in ("STREAMJOIN_API_KEY", "STREAMJOIN_PEER_KEY"):
        assert environment[name].startswith(f"${{{name}:?")
    given = {
        name.removeprefix("STREAMJOIN_").lower(): value
        for name, value in environment.items()
        if not value.startswith("${")
    }
    settings = load_worker_settings(**given, api_key="a", peer_key="b", web_host="0.0.0.0")
    assert set(given) <= settings.model_fields_set


def test_compose_creates_the_topics(kafka: Kafka) -> None:
    """Its command, in the image's environment and the service's own: no worker starts before."""
    service = COMPOSE["services"]["topics"]
    assert COMPOSE["services"]["worker"]["depends_on"]["topics"]
    assert IMAGES["STREAMJOIN_WEB_HOST"] == "0.0.0.0"
    topics = [topic for topic in TOPICS if topic.direction is not Direction.INTERNAL]
    names = {f"STREAMJOIN_{topic.setting.upper()}": f"composed-{topic.id}" for topic in topics}
    names["STREAMJOIN_APP_ID"] = "composed"
    command = " ".join(service["command"]).replace("kafka:9092", kafka.bootstrap)
    done = streamjoin({**IMAGES, **service.get("environment", {}), **names}, *command.split())
    assert (done.returncode, done.stderr) == (0, "")
    assert "created composed-clicks with 8 partitions" in done.stdout
