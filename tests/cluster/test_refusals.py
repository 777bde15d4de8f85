"""Why a client does not get in: one line that says what to change, by the broker's refusal."""

from collections.abc import Callable

import pytest

from app.cluster import Cluster
from app.errors import UserError
from app.producer import BrokerUnreachableError, EventProducer
from app.settings import load_settings
from app.topics_admin import describe
from tests.support.command import streamjoin
from tests.support.secure_kafka import PASSWORD, SecureKafka
from tests.support.service import Service

WRONG = "canary-wrong-password-1618"
Given = Callable[[SecureKafka], dict[str, str]]

NO_WAY_IN: dict[str, tuple[Given, str]] = {
    "wrong password": (
        lambda k: k.settings("SCRAM", sasl_password=WRONG),
        "does not let user shop in by SCRAM-SHA-512: set sasl_username and sasl_password",
    ),
    "unknown user": (
        lambda k: k.settings("SCRAM", sasl_username="nobody"),
        "does not let user nobody in",
    ),
    "wrong password in plain": (
        lambda k: k.settings("OPEN", sasl_password=WRONG),
        "does not let user shop in by PLAIN",
    ),
    "unknown CA": (
        lambda k: k.settings("SCRAM", ssl_ca_file=str(k.stranger.file)),
        "shows a certificate that is not trusted",
    ),
    "not one of the system's CAs": (
        lambda k: k.settings("SCRAM", ssl_ca_file=""),
        "name the CA that signed it by ssl_ca_file (STREAMJOIN_SSL_CA_FILE)",
    ),
    "expired certificate": (lambda k: k.settings("EXPIRED"), "shows a certificate that has exp"),
    "another host": (
        lambda k: k.settings(
            "SCRAM", broker=k.addresses["SCRAM"].replace("127.0.0.1", "localhost")
        ),
        "shows a certificate of another name",
    ),
    "no TLS where it is demanded": (
        lambda k: {"broker": k.addresses["SCRAM"]},
        "ends the connection: its listener may demand TLS or a user",
    ),
    "no user where one is demanded": (
        lambda k: {"broker": k.addresses["OPEN"]},
        "ends the connection: its listener may demand TLS or a user",
    ),
    "a user where none is asked for": (
        lambda k: k.settings("OPEN", broker=k.addresses["PLAINTEXT"]),
        "asks for no user: set security_protocol",
    ),
    "TLS where there is none": (
        lambda k: k.settings("SCRAM", broker=k.addresses["PLAINTEXT"]),
        "ends the connection: its listener may have another protocol than SASL_SSL",
    ),
    "no client certificate": (
        lambda k: k.settings("MTLS", ssl_certificate_file="", ssl_key_file=""),
        "refuses the TLS connection",
    ),
    "a client certificate of a stranger": (
        lambda k: k.settings("MTLS", **k.shown("stranger", k.stranger)),
        "refuses the TLS connection",
    ),
    "nobody listens": (lambda k: {"broker": "127.0.0.1:9"}, "no Kafka broker answers at 127.0.0"),
}


@pytest.mark.parametrize(("given", "said"), NO_WAY_IN.values(), ids=NO_WAY_IN)
async def test_why_a_client_does_not_get_in(
    secure_kafka: SecureKafka, given: Given, said: str
) -> None:
    cluster = load_settings(**given(secure_kafka)).cluster
    with pytest.raises(UserError) as caught:
        await describe(cluster, [])
    with pytest.raises(BrokerUnreachableError) as again:
        await EventProducer(cluster).start()
    for text in (str(caught.value), str(again.value)):
        assert said in text
        assert "\n" not in text
        assert WRONG not in text
        assert PASSWORD not in text


WAYS_IN: dict[str, Given] = {
    "SCRAM-SHA-512": lambda k: k.settings("SCRAM"),
    "SCRAM-SHA-256": lambda k: k.settings("SCRAM", sasl_mechanism="SCRAM-SHA-256"),
    "PLAIN over TLS": lambda k: k.settings("SCRAM", sasl_mechanism="PLAIN"),
    "PLAIN in the clear": lambda k: k.settings("OPEN"),
    "client certificate": lambda k: k.settings("MTLS"),
    "client certificate with a locked key": lambda k: k.settings("MTLS", **k.shown("b", None, "p")),
    "the second address": lambda k: k.settings(
        "SCRAM", broker=f"127.0.0.1:9,{k.addresses['SCRAM']}"
    ),
}


@pytest.mark.parametrize("given", WAYS_IN.values(), ids=WAYS_IN)
async def test_ways_in(secure_kafka: SecureKafka, given: Given) -> None:
    cluster = load_settings(**given(secure_kafka)).cluster
    assert await describe(cluster, ["no-such-topic"]) == {}


async def test_a_cluster_can_be_given_in_place_of_an_address(secure_kafka: SecureKafka) -> None:
    given = load_settings(**secure_kafka.settings("MTLS")).cluster
    certificate = (given.certificate_file, given.key_file)
    own = Cluster(given.bootstrap, "SSL", None, None, None, given.ca_file, *certificate)
    assert await describe(own, []) == {}


@pytest.mark.parametrize("name", ["wrong password", "unknown CA", "expired certificate"])
@pytest.mark.parametrize(
    "command",
    [
        ("worker",),
        ("topics", "create"),
        ("produce", "clicks", "--user-id", "u"),
        ("export", "clicks"),
    ],
    ids=" ".join,
)
def test_a_command_ends_with_one_line_and_exit_status_1(
    secure_kafka: SecureKafka, name: str, command: tuple[str, ...]
) -> None:
    given, said = NO_WAY_IN[name]
    service = Service("", settings=given(secure_kafka))
    done = streamjoin(service.environment, *command)
    assert done.returncode == 1, done.stderr
    [line] = done.stderr.splitlines()
    assert line.startswith("streamjoin: the broker at ")
    assert said in line
    assert WRONG not in done.stdout + done.stderr
