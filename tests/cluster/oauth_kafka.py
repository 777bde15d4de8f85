"""A real Kafka with a listener of SASL OAUTHBEARER, which checks tokens by the provider's keys."""

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass

import pytest

from app.broker import EmbeddedBroker
from tests.support.oidc import Oidc, oidc_provider
from tests.support.ports import held_port

_KAFKAS = "org.apache.kafka.common.security.oauthbearer"
REAUTHENTICATION_MS = 3_000
"""So long a token counts at the listener REAUTH, however long it is valid."""
LISTENERS = ("OAUTH", "REAUTH")


@dataclass(frozen=True)
class OAuthKafka:
    """A running broker, HOST:PORT by listener, and the provider that it trusts."""

    addresses: dict[str, str]
    oidc: Oidc

    def settings(self, listener: str = "OAUTH", **changes: str) -> dict[str, str]:
        """The service's settings for a listener, by field name, as text."""
        found = {"broker": self.addresses[listener], "security_protocol": "SASL_PLAINTEXT"}
        return found | self.oidc.settings() | changes


@pytest.fixture(scope="module")
def oauth_kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OAuthKafka]:
    with ExitStack() as stack:
        oidc = stack.enter_context(oidc_provider())
        patch = stack.enter_context(pytest.MonkeyPatch.context())
        # Kafka asks no address for keys but those named here; Java reads its options there.
        allowed = f"-Dorg.apache.kafka.sasl.oauthbearer.allowed.urls={oidc.keys_url}"
        patch.setenv("JDK_JAVA_OPTIONS", allowed)
        names = ("PLAINTEXT", "CONTROLLER", *LISTENERS)
        ports = {name: stack.enter_context(held_port()) for name in names}
        broker = EmbeddedBroker(
            tmp_path_factory.mktemp("oauth") / "broker",
            ports["PLAINTEXT"],
            properties=_properties(ports, oidc),
        )
        stack.callback(broker.stop)
        broker.start()
        yield OAuthKafka({name: f"127.0.0.1:{port}" for name, port in ports.items()}, oidc)


def _properties(ports: dict[str, int], oidc: Oidc) -> dict[str, str]:
    addresses = {name: f"{name}://127.0.0.1:{port}" for name, port in ports.items()}
    advertised = [address for name, address in addresses.items() if name != "CONTROLLER"]
    protocols = {name: "SASL_PLAINTEXT" if name in LISTENERS else "PLAINTEXT" for name in ports}
    found = {
        "listeners": ",".join(addresses.values()),
        "advertised.listeners": ",".join(advertised),
        "controller.quorum.voters": f"1@127.0.0.1:{ports['CONTROLLER']}",
        "listener.security.protocol.map": ",".join(f"{n}:{p}" for n, p in protocols.items()),
        "sasl.enabled.mechanisms": "OAUTHBEARER",
        "sasl.oauthbearer.jwks.endpoint.url": oidc.keys_url,
        "sasl.oauthbearer.expected.audience": "kafka",
        "sasl.oauthbearer.expected.issuer": "test-provider",
        "listener.name.reauth.oauthbearer.connections.max.reauth.ms": str(REAUTHENTICATION_MS),
    }
    for name in LISTENERS:
        prefix = f"listener.name.{name.lower()}.oauthbearer.sasl."
        found[f"{prefix}jaas.config"] = f"{_KAFKAS}.OAuthBearerLoginModule required;"
        handler = f"{_KAFKAS}.OAuthBearerValidatorCallbackHandler"
        found[f"{prefix}server.callback.handler.class"] = handler
    return found
