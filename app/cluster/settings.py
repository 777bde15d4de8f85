"""The settings that say how to get into the Kafka cluster."""

from functools import cached_property
from pathlib import Path
from typing import Annotated, Self, TypeVar

from pydantic import BeforeValidator, Field, SecretStr, model_validator
from pydantic_settings import BaseSettings

from app.cluster.cluster import Cluster, Mechanism, Protocol
from app.cluster.token_providers import OidcClient

T = TypeVar("T")
Given = Annotated[T | None, BeforeValidator(lambda value: None if value == "" else value)]
"""Empty, as a composed environment leaves what is not set, means not given."""


class ClusterSettings(BaseSettings):
    """The broker's address and what its listener demands."""

    broker: str = "127.0.0.1:9092"
    security_protocol: Protocol = "PLAINTEXT"
    sasl_mechanism: Given[Mechanism] = None
    sasl_username: Given[str] = None
    sasl_password: Given[SecretStr] = None
    sasl_oauth_token_url: Given[str] = None
    sasl_oauth_client_id: Given[str] = None
    sasl_oauth_client_secret: Given[SecretStr] = None
    sasl_oauth_scope: Given[str] = None
    sasl_oauth_ca_file: Given[Path] = None
    sasl_aws_region: Given[Annotated[str, Field(pattern=r"^[a-z0-9-]{1,64}$")]] = None
    ssl_ca_file: Given[Path] = None
    ssl_certificate_file: Given[Path] = None
    ssl_key_file: Given[Path] = None
    ssl_key_password: Given[SecretStr] = None

    trace_kafka: bool = False

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        self.cluster.checked()
        return self

    @cached_property
    def cluster(self) -> Cluster:
        """What every Kafka client is made from."""
        return Cluster(
            self.broker,
            self.security_protocol,
            self.sasl_mechanism,
            self.sasl_username,
            self.sasl_password,
            self.ssl_ca_file,
            self.ssl_certificate_file,
            self.ssl_key_file,
            self.ssl_key_password,
            oauth=self._oauth(),
            aws_region=self.sasl_aws_region,
            trace=self.trace_kafka,
        )

    def _oauth(self) -> OidcClient | None:
        """Give the OIDC provider's client; what is not given is empty."""
        found = OidcClient(
            self.sasl_oauth_token_url or "",
            self.sasl_oauth_client_id or "",
            self.sasl_oauth_client_secret or SecretStr(""),
            self.sasl_oauth_scope,
            self.sasl_oauth_ca_file,
        )
        return None if found == OidcClient("", "", SecretStr(""), None, None) else found
