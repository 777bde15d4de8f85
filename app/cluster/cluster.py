"""`Cluster`: a Kafka cluster's address, and what its listeners demand of a client."""

import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Final, Literal, Self

from pydantic import SecretStr

from app.cluster.client import install
from app.cluster.connecting import Bootstrap
from app.cluster.token_providers import MskSigner, OidcClient, check_url, msk_signer
from app.cluster.tokens import TokenCache
from app.cluster.trace import trace_requests

Protocol = Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"]
Mechanism = Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512", "OAUTHBEARER", "AWS_MSK_IAM"]
_OPTIONAL: Final = ("sasl_oauth_scope", "sasl_oauth_ca_file")
_PASSWORD: Final = ("sasl_username", "sasl_password")
_NEEDED: Final[Mapping[str | None, tuple[str, ...]]] = {
    "OAUTHBEARER": ("sasl_oauth_token_url", "sasl_oauth_client_id", "sasl_oauth_client_secret"),
    "AWS_MSK_IAM": ("sasl_aws_region",),
}
"""What a mechanism needs, where that is no user's name and password."""

IN_THE_OPEN: Final[Mapping[str, str]] = {
    "security_protocol": "PLAINTEXT",
    "sasl_mechanism": "",
    "sasl_username": "",
    "sasl_password": "",
    "sasl_oauth_token_url": "",
    "sasl_oauth_client_id": "",
    "sasl_oauth_client_secret": "",
    "sasl_oauth_scope": "",
    "sasl_oauth_ca_file": "",
    "sasl_aws_region": "",
    "ssl_ca_file": "",
    "ssl_certificate_file": "",
    "ssl_key_file": "",
    "ssl_key_password": "",
}
"""Settings for a listener that demands nothing, whatever the environment says."""


@dataclass(frozen=True)
class Cluster:
    """Where a cluster is and how to get in; as text its address alone.

    `bootstrap`: HOST:PORT, several with commas. `mechanism`, `username`, `password`: with the SASL
    protocols. `ca_file`: the certificates, PEM, that brokers' certificates are checked against, by
    default the system's. `certificate_file`, `key_file`: the client's own, PEM, where brokers
    demand one (mTLS); `key_password` if the key is encrypted. Files are read once. `oauth`: who
    gives the tokens of OAUTHBEARER; `aws_region`: of the brokers, with AWS_MSK_IAM. `trace`:
    whether clients log their requests. `broker_timeout`: seconds until a silent one is left.
    """

    bootstrap: str
    protocol: Protocol = "PLAINTEXT"
    mechanism: Mechanism | None = None
    username: str | None = None
    password: SecretStr | None = None
    ca_file: Path | None = None
    certificate_file: Path | None = None
    key_file: Path | None = None
    key_password: SecretStr | None = None
    oauth: OidcClient | None = None
    aws_region: str | None = None
    trace: bool = False
    broker_timeout: float = 4.0

    @classmethod
    def of(cls, broker: "Broker") -> "Cluster":
        """Take an address for a cluster that demands nothing."""
        return broker if isinstance(broker, Cluster) else cls(broker)

    @property
    def question_timeout(self) -> float:
        """Seconds for a question with all that it takes: connecting, and other brokers' answers."""
        return 3 * self.broker_timeout

    def __str__(self) -> str:
        """Give the address."""
        return self.bootstrap

    @property
    def encrypts(self) -> bool:
        """Whether TLS is spoken."""
        return self.protocol in ("SSL", "SASL_SSL")

    @property
    def authenticates(self) -> bool:
        """Whether a user's name and password are shown."""
        return self.protocol in ("SASL_PLAINTEXT", "SASL_SSL")

    def checked(self) -> Self:
        """Check that all of it fits together and files can be read.

        Raises ValueError with one line that names the settings; it holds no secret.
        """
        self._check_user()
        self._check_files()
        if self.encrypts:
            _ = self._tls
        return self

    def _check_user(self) -> None:
        given = [name for name, value in self._sasl().items() if value is not None]
        if not self.authenticates:
            for name in given:
                raise ValueError(
                    f"{name} is given, but security_protocol {self.protocol} shows no user: set "
                    "it to SASL_SSL, or to SASL_PLAINTEXT where nobody can listen"
                )
            return
        needed = ("sasl_mechanism", *_NEEDED.get(self.mechanism, _PASSWORD))
        if missing := [name for name in needed if name not in given]:
            why = f"sasl_mechanism {self.mechanism}" if self.mechanism in _NEEDED else self.protocol
            raise ValueError(f"security_protocol {why} needs {' and '.join(missing)} too")
        optional = _OPTIONAL if self.mechanism == "OAUTHBEARER" else ()
        for name in given:
            if name in (*needed, *optional):
                continue
            raise ValueError(
                f"{name} is given, but sasl_mechanism {self.mechanism} takes none: leave it out"
            )
        self._check_tokens()

    def _sasl(self) -> dict[str, object]:
        """Give all that shows a user, by setting."""
        oauth = self.oauth
        return {
            "sasl_mechanism": self.mechanism,
            "sasl_username": self.username,
            "sasl_password": self.password,
            "sasl_oauth_token_url": (oauth and oauth.url) or None,
            "sasl_oauth_client_id": (oauth and oauth.client_id) or None,
            "sasl_oauth_client_secret": (oauth and oauth.secret) or None,
            "sasl_oauth_scope": oauth and oauth.scope,
            "sasl_oauth_ca_file": oauth and oauth.ca_file,
            "sasl_aws_region": self.aws_region,
        }

    def _check_tokens(self) -> None:
        if self.mechanism == "AWS_MSK_IAM":
            msk_signer()
        elif self.mechanism == "OAUTHBEARER" and self.oauth is not None:
            check_url(self.oauth.url)
            self.oauth.tls()

    def _check_files(self) -> None:
        given = {
            "ssl_ca_file": self.ca_file,
            "ssl_certificate_file": self.certificate_file,
            "ssl_key_file": self.key_file,
            "ssl_key_password": self.key_password,
        }
        useless = [name for name, value in given.items() if value is not None]
        if useless and not self.encrypts:
            raise ValueError(
                f"{useless[0]} is given, but security_protocol {self.protocol} is not encrypted: "
                "set it to SSL or SASL_SSL"
            )
        if (self.certificate_file is None) != (self.key_file is None):
            raise ValueError("ssl_certificate_file and ssl_key_file go together: give both")
        if self.key_password is not None and self.key_file is None:
            raise ValueError("ssl_key_password is given, but no ssl_key_file")
        for name, path in given.items():
            if isinstance(path, Path):
                _check_readable(name, path)

    def arguments(self) -> dict[str, Any]:
        """Give what an aiokafka client is made with: the address, and how to get in.

        Raises ValueError where a file has become unreadable.
        """
        install()
        if self.trace:
            trace_requests()
        found: dict[str, Any] = {
            "bootstrap_servers": Bootstrap(self.bootstrap, self.broker_timeout),
            "security_protocol": self.protocol,
        }
        if self.encrypts:
            found["ssl_context"] = self._tls
        if self._tokens is not None:
            found |= {"sasl_mechanism": "OAUTHBEARER", "sasl_oauth_token_provider": self._tokens}
        elif self.authenticates and self.username is not None and self.password is not None:
            found["sasl_mechanism"] = self.mechanism
            found["sasl_plain_username"] = self.username
            found["sasl_plain_password"] = self.password.get_secret_value()
        return found

    @property
    def takes_tokens(self) -> bool:
        """Whether a bearer token is shown."""
        return self._tokens is not None

    async def token(self) -> str | None:
        """Give the bearer token that clients show, if they do. Raises TokenError."""
        return None if self._tokens is None else await self._tokens.token()

    @cached_property
    def _tokens(self) -> TokenCache | None:
        """One for all clients; None where a password is shown."""
        if self.mechanism == "OAUTHBEARER" and self.oauth is not None:
            return TokenCache(self.oauth.fetch)
        if self.mechanism == "AWS_MSK_IAM" and self.aws_region is not None:
            return TokenCache(MskSigner(self.aws_region).fetch)
        return None

    @cached_property
    def _tls(self) -> ssl.SSLContext:
        """Certificates and host names are always checked."""
        context = _trusting(self.ca_file)
        if self.certificate_file is not None and self.key_file is not None:
            self._show_certificate(context, self.certificate_file, self.key_file)
        return context

    def _show_certificate(self, context: ssl.SSLContext, certificate: Path, key: Path) -> None:
        # Without a function OpenSSL would ask for an encrypted key's password on the terminal.
        password = self.key_password.get_secret_value() if self.key_password else ""
        try:
            context.load_cert_chain(certificate, key, lambda: password)
        except (ssl.SSLError, ValueError) as error:
            raise ValueError(
                f"ssl_certificate_file {certificate} and ssl_key_file {key} are no certificate "
                "with its key in PEM, or ssl_key_password is not the key's"
            ) from error


Broker = str | Cluster
"""HOST:PORT of a cluster that demands nothing, or a `Cluster`."""


def _check_readable(name: str, path: Path) -> None:
    try:
        with path.open("rb"):
            pass
    except OSError as error:
        raise ValueError(f"{name} {path} cannot be read ({error.strerror})") from error


def _trusting(ca_file: Path | None) -> ssl.SSLContext:
    """Trust these certificates and no others; without a file, the system's."""
    try:
        return ssl.create_default_context(ssl.Purpose.SERVER_AUTH, cafile=ca_file)
    except ssl.SSLError as error:
        raise ValueError(f"ssl_ca_file {ca_file} holds no certificates in PEM") from error
