"""Settings that do not fit together are one clear line, before anything is connected."""

import ssl
from pathlib import Path

import pytest

from app.cluster import IN_THE_OPEN, Cluster
from app.errors import SettingError
from app.settings import load_settings
from tests.support.certificates import KEY_PASSWORD, Authority

SECRET = "canary-secret-1414"
USER = {"sasl_mechanism": "SCRAM-SHA-256", "sasl_username": "u", "sasl_password": SECRET}


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("ca"), "ca")


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"security_protocol": "TLS"}, "security_protocol"),
        ({"security_protocol": "SASL_SSL"}, "needs sasl_mechanism and sasl_username and sasl_pas"),
        ({**USER, "sasl_password": "", "security_protocol": "SASL_SSL"}, "needs sasl_password"),
        ({**USER, "sasl_mechanism": "GSSAPI", "security_protocol": "SASL_SSL"}, "sasl_mechanism"),
        (USER, "sasl_mechanism is given, but security_protocol PLAINTEXT shows no user"),
        ({**USER, "security_protocol": "SSL"}, "SSL shows no user: set it to SASL_SSL"),
        ({"ssl_ca_file": "/ca.pem"}, "ssl_ca_file is given, but security_protocol PLAINTEXT"),
        ({"security_protocol": "SSL", "ssl_ca_file": "/nope/ca.pem"}, "/nope/ca.pem cannot be re"),
        ({"security_protocol": "SSL", "ssl_key_file": "/key"}, "go together: give both"),
        ({"security_protocol": "SSL", "ssl_key_password": SECRET}, "but no ssl_key_file"),
    ],
)
def test_what_does_not_fit_is_refused(given: dict[str, str], said: str) -> None:
    with pytest.raises(SettingError) as caught:
        load_settings(**given)
    text = str(caught.value)
    assert said in text
    assert SECRET not in text
    assert "\n" not in text


def test_a_file_without_certificates_is_refused(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("no certificate")
    with pytest.raises(SettingError, match="holds no certificates in PEM"):
        load_settings(security_protocol="SSL", ssl_ca_file=str(tmp_path / "ca.pem"))


@pytest.mark.parametrize("password", ["", "wrong", SECRET])
def test_a_key_that_cannot_be_used_is_refused_and_asked_for_on_no_terminal(
    authority: Authority, password: str
) -> None:
    certificate, key = authority.files("locked", KEY_PASSWORD)
    with pytest.raises(SettingError, match="ssl_key_password is not the key's") as caught:
        load_settings(
            security_protocol="SSL",
            ssl_certificate_file=str(certificate),
            ssl_key_file=str(key),
            ssl_key_password=password,
        )
    assert SECRET not in str(caught.value)


def test_a_key_of_another_certificate_is_refused(authority: Authority) -> None:
    certificate, _ = authority.files("one")
    _, key = authority.files("two")
    with pytest.raises(SettingError, match="no certificate with its key"):
        load_settings(
            security_protocol="SSL", ssl_certificate_file=str(certificate), ssl_key_file=str(key)
        )


def test_what_a_client_is_made_with(authority: Authority) -> None:
    settings = load_settings(
        broker="a:1,b:2", security_protocol="SASL_SSL", ssl_ca_file=str(authority.file), **USER
    )
    found = settings.cluster.arguments()
    context = found.pop("ssl_context")
    assert found == {
        "bootstrap_servers": ["a:1", "b:2"],
        "security_protocol": "SASL_SSL",
        "sasl_mechanism": "SCRAM-SHA-256",
        "sasl_plain_username": "u",
        "sasl_plain_password": SECRET,
    }
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.check_hostname
    assert [ca["subject"] for ca in context.get_ca_certs()]
    # Certificates are read once for all clients.
    assert settings.cluster.arguments()["ssl_context"] is context


def test_by_default_nothing_is_demanded() -> None:
    plain = {"bootstrap_servers": ["h:1"], "security_protocol": "PLAINTEXT"}
    assert load_settings(broker="h:1").cluster.arguments() == plain
    assert Cluster.of("h:1").arguments() == plain


def test_a_cluster_shows_no_secret(authority: Authority) -> None:
    given = {"security_protocol": "SASL_SSL", "ssl_ca_file": str(authority.file), **USER}
    settings = load_settings(broker="h:1", **given)
    assert str(settings.cluster) == "h:1"
    assert SECRET not in repr(settings.cluster) + repr(settings)


def test_the_demo_ignores_what_other_clusters_demand(monkeypatch: pytest.MonkeyPatch) -> None:
    given = {"security_protocol": "SASL_SSL", "ssl_ca_file": "/nowhere", **USER}
    for name, value in given.items():
        monkeypatch.setenv(f"STREAMJOIN_{name.upper()}", value)
    with pytest.raises(SettingError):
        load_settings()
    assert load_settings(**IN_THE_OPEN, broker="h:1").cluster == Cluster("h:1")


def test_a_file_of_settings_that_cannot_be_read_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".env").write_bytes(f"STREAMJOIN_API_KEY={SECRET}\xff".encode("latin-1"))
    with pytest.raises(SettingError, match=r"file \.env of this folder cannot be") as caught:
        load_settings()
    assert SECRET not in str(caught.value)
    assert "\n" not in str(caught.value)
