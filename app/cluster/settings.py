"""The settings that say how to get into the Kafka cluster."""

from functools import cached_property
from pathlib import Path
from typing import Annotated, Final, Self, TypeVar

from pydantic import (
    BeforeValidator,
    Field,
    SecretStr,
    ValidationInfo,
    field_validator,
    model_validator,
)
from pydantic_settings import BaseSettings, SettingsConfigDict

from app.cluster.cluster import Cluster, Mechanism, Protocol
from app.cluster.token_providers import OidcClient
from app.numbers import whole

T = TypeVar("T")
PREFIX: Final = "STREAMJOIN_"
Given = Annotated[T | None, BeforeValidator(lambda value: None if value == "" else value)]
"""Empty, as a composed environment leaves what is not set, means not given."""


class ClusterSettings(BaseSettings):
    """The broker's address and what its listener demands; and how all settings are read."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        env_file=".env",
        env_file_encoding="utf-8-sig",
        # As templates and a composed environment leave what is not set.
        env_ignore_empty=True,
        extra="ignore",
        frozen=True,
        validate_default=False,
    )

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

    @field_validator("*", mode="before")
    @classmethod
    def _whole_numbers(cls, given: object, info: ValidationInfo) -> object:
        field = cls.model_fields[info.field_name or ""]
        counts = field.annotation in (int, int | None) and not any(
            isinstance(part, BeforeValidator) for part in field.metadata
        )
        return whole(given) if counts and isinstance(given, str) else given

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
