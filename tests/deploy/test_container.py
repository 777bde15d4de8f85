"""The image and the compose file: nobody's user, nothing to write but the volume."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from app.settings import Settings, load_worker_settings
from models.topics import TOPICS, Direction
from tests.support.command import streamjoin
from tests.support.kafka import Kafka

ROOT = Path(__file__).resolve().parents[2]
LAST_STAGE = (ROOT / "Dockerfile").read_text(encoding="utf-8").rsplit("\nFROM ", 1)[1]
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text("utf-8"))
OURS = ("topics", "worker")
IMAGES = dict(re.findall(r"\b(STREAMJOIN_\w+)=(\S+)", LAST_STAGE))
OF_THE_HOST = {
    "STREAMJOIN_BROKER": "127.0.0.1:29092",
    "STREAMJOIN_WEB_HOST": "127.0.0.1",
    "STREAMJOIN_WEB_PORT": "7000",
    "STREAMJOIN_DATA_DIR": "./state",
    "STREAMJOIN_ADVERTISED_URL": "http://127.0.0.1:7000",
}
"""What a `.env` may hold for commands on the machine itself."""
A, B = "a" * 16, "b" * 16
KEYS = {"STREAMJOIN_API_KEY": A, "STREAMJOIN_PEER_KEY": B, "STREAMJOIN_API_KEYS": ""}


def inside(
    name: str, env_file: dict[str, str], shell: Mapping[str, str] | None = None
) -> dict[str, str]:
    """A container's environment: the image's, then what `.env` says, then the service's own.

    `shell`: variables of who runs compose, which it puts in before those of `.env`.
    """
    known = {**env_file, **(shell or {})}
    service = COMPOSE["services"][name]
    assert service["env_file"] == [{"path": ".env", "required": False}]
    own = {
        name: known.get(name, "") if value.startswith("${") else value
        for name, value in service.get("environment", {}).items()
    }
    return {**IMAGES, **env_file, **own}


def loaded(environment: dict[str, str]) -> Settings:
    given = {name.removeprefix("STREAMJOIN_").lower(): v for name, v in environment.items()}
    return load_worker_settings(**given)


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
    given = inside("worker", KEYS)
    settings = loaded(given)
    assert {name.removeprefix("STREAMJOIN_").lower() for name in given} <= settings.model_fields_set


@pytest.mark.parametrize("env_file", [{}, OF_THE_HOST], ids=["keys alone", "the host's too"])
def test_compose_sets_what_the_container_needs(env_file: dict[str, str]) -> None:
    settings = loaded(inside("worker", {**KEYS, **env_file}))
    assert settings.broker == "kafka:9092"
    assert (settings.web_host, settings.web_port) == ("0.0.0.0", 6066)
    assert settings.data_dir == Path("/data")
    assert settings.advertised_url == "http://{hostname}:6066"


@pytest.mark.parametrize("name", OURS)
@pytest.mark.parametrize("left", [{"STREAMJOIN_API_KEY": ""}, {"STREAMJOIN_API_KEYS": f"read:{B}"}])
def test_keys_may_come_from_the_shell(name: str, left: dict[str, str]) -> None:
    """`left`: what `.env` has of them."""
    environment = inside(name, left, {**KEYS, **left, "STREAMJOIN_API_KEY": A})
    settings = loaded(environment)
    assert settings.api_key
    assert settings.api_key.get_secret_value() == A
    assert settings.peer_key
    assert settings.peer_key.get_secret_value() == B


def test_all_other_settings_of_env_reach_the_workers() -> None:
    settings = loaded(inside("worker", {**KEYS, "STREAMJOIN_GRACE": "5m"}))
    assert settings.grace == 300_000


def test_the_env_example_is_taken_with_keys_put_in() -> None:
    """As it is, and with the examples in it."""
    text = (ROOT / ".env.example").read_text(encoding="utf-8")
    for sample in (text, re.sub(r"^#(?=STREAMJOIN_)", "", text, flags=re.MULTILINE)):
        lines = (line for line in sample.splitlines() if line and not line.startswith("#"))
        given = dict(line.split("=", 1) for line in lines)
        assert {name for name, value in given.items() if not value} == set(KEYS)
        assert loaded(inside("worker", {**given, **KEYS})).url.endswith(":6066")


def test_compose_creates_the_topics(kafka: Kafka) -> None:
    """Its command, in its container's environment: no worker starts before."""
    service = COMPOSE["services"]["topics"]
    assert COMPOSE["services"]["worker"]["depends_on"]["topics"]
    assert IMAGES["STREAMJOIN_WEB_HOST"] == "0.0.0.0"
    topics = [topic for topic in TOPICS if topic.direction is not Direction.INTERNAL]
    names = {f"STREAMJOIN_{topic.setting.upper()}": f"composed-{topic.id}" for topic in topics}
    more = {"STREAMJOIN_APP_ID": "composed", "STREAMJOIN_PARTITIONS": "3"}
    command = " ".join(service["command"]).replace("kafka:9092", kafka.bootstrap)
    environment = inside("topics", {**KEYS, **OF_THE_HOST, **names, **more})
    done = streamjoin(environment, *command.split())
    assert (done.returncode, done.stderr) == (0, "")
    assert "created composed-clicks with 3 partitions" in done.stdout
