"""A real Kafka whose listeners demand TLS and a user: `secure_kafka` is its fixture."""

import os
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass

import pytest

from app.broker import KAFKA_VERSION, EmbeddedBroker, default_cache
from app.broker.jars import ensure_jars
from app.broker.java import find_java
from tests.support.certificates import Authority
from tests.support.ports import held_port

USER, PASSWORD = "shop", "canary-sasl-password-3141"
_LISTENERS = {
    "SCRAM": "SASL_SSL",
    "MTLS": "SSL",
    "EXPIRED": "SASL_SSL",
    "OPEN": "SASL_PLAINTEXT",
}
"""Listeners beside PLAINTEXT, which is the broker's own, and its tools'."""
_PLAIN = (
    f'org.apache.kafka.common.security.plain.PlainLoginModule required user_{USER}="{PASSWORD}";'
)
_SCRAM = "org.apache.kafka.common.security.scram.ScramLoginModule required;"


@dataclass(frozen=True)
class SecureKafka:
    """A running broker; `addresses`: HOST:PORT by listener; `authority` signed for it."""

    addresses: Mapping[str, str]
    authority: Authority
    stranger: Authority

    def settings(self, listener: str, **changes: str) -> dict[str, str]:
        """The service's settings for a listener, by field name, as text."""
        protocol = _LISTENERS[listener]
        found = {"broker": self.addresses[listener], "security_protocol": protocol}
        if protocol.startswith("SASL"):
            mechanism = "PLAIN" if listener == "OPEN" else "SCRAM-SHA-512"
            found |= {"sasl_mechanism": mechanism}
            found |= {"sasl_username": USER, "sasl_password": PASSWORD}
        if protocol.endswith("SSL"):
            found["ssl_ca_file"] = str(self.authority.file)
        if listener == "MTLS":
            found |= self.shown("worker")
        return found | changes

    def shown(
        self, name: str, authority: Authority | None = None, password: str | None = None
    ) -> dict[str, str]:
        """Settings for a client certificate, by default of the authority that is trusted."""
        certificate, key = (authority or self.authority).files(name, password)
        found = {"ssl_certificate_file": str(certificate), "ssl_key_file": str(key)}
        return found | ({"ssl_key_password": password} if password else {})


@pytest.fixture(scope="session")
def secure_kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SecureKafka]:
    """One for all tests that ask for it."""
    folder = tmp_path_factory.mktemp("secure")
    authority, stranger = Authority(folder, "known"), Authority(folder, "unknown")
    with ExitStack() as stack:
        names = ["PLAINTEXT", "CONTROLLER", *_LISTENERS]
        ports = {name: stack.enter_context(held_port()) for name in names}
        broker = EmbeddedBroker(
            folder / "broker", ports["PLAINTEXT"], properties=_properties(ports, authority)
        )
        stack.callback(broker.stop)
        broker.start()
        addresses = {name: f"127.0.0.1:{port}" for name, port in ports.items()}
        _add_user(addresses["PLAINTEXT"])
        yield SecureKafka(addresses, authority, stranger)


def _properties(ports: Mapping[str, int], authority: Authority) -> dict[str, str]:
    addresses = {name: f"{name}://127.0.0.1:{port}" for name, port in ports.items()}
    protocols = {"PLAINTEXT": "PLAINTEXT", "CONTROLLER": "PLAINTEXT", **_LISTENERS}
    advertised = [address for name, address in addresses.items() if name != "CONTROLLER"]
    found = {
        "listeners": ",".join(addresses.values()),
        "advertised.listeners": ",".join(advertised),
        "controller.quorum.voters": f"1@127.0.0.1:{ports['CONTROLLER']}",
        "listener.security.protocol.map": ",".join(f"{n}:{p}" for n, p in protocols.items()),
        "sasl.enabled.mechanisms": "PLAIN,SCRAM-SHA-256,SCRAM-SHA-512",
    }
    for name, protocol in _LISTENERS.items():
        prefix = f"listener.name.{name.lower()}."
        if protocol.endswith("SSL"):
            pair = authority.pair("127.0.0.1", expired=name == "EXPIRED")
            found |= {prefix + key: value for key, value in pair.properties().items()}
        if protocol.startswith("SASL"):
            found[f"{prefix}plain.sasl.jaas.config"] = _PLAIN
            found[f"{prefix}scram-sha-256.sasl.jaas.config"] = _SCRAM
            found[f"{prefix}scram-sha-512.sasl.jaas.config"] = _SCRAM
    for name, wanted in {"mtls": "required", "scram": "requested"}.items():
        found[f"listener.name.{name}.ssl.client.auth"] = wanted
        found[f"listener.name.{name}.ssl.truststore.type"] = "PEM"
        found[f"listener.name.{name}.ssl.truststore.certificates"] = authority.pem
    return found


def _add_user(bootstrap: str) -> None:
    """Make the SCRAM user by Kafka's own tool."""
    jars = ensure_jars(default_cache(KAFKA_VERSION), show_progress=False)
    java, classes = str(find_java().path), os.pathsep.join(map(str, jars))
    tool = [java, "-cp", classes, "kafka.admin.ConfigCommand"]
    user = ["--bootstrap-server", bootstrap, "--entity-type", "users", "--entity-name", USER]
    for mechanism in ("SCRAM-SHA-256", "SCRAM-SHA-512"):  # The broker takes one at a time.
        change = ["--alter", "--add-config", f"{mechanism}=[password={PASSWORD}]"]
        answer = subprocess.run(
            [*tool, *user, *change], capture_output=True, text=True, timeout=240
        )
        assert answer.returncode == 0, answer.stderr or answer.stdout
