"""The settings that say how to get into the Kafka cluster, and how long to wait for it."""

from functools import cached_property
from pathlib import Path
from typing import Annotated, Final, Self, TypeVar

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    SecretStr,
    ValidationInfo,
    field_validator,
    model_validator,
)
from pydantic_settings import BaseSettings, SettingsConfigDict

from app.cluster.addresses import parse_addresses
from app.cluster.cluster import Cluster, Mechanism, Protocol
from app.cluster.token_providers import OidcClient
from app.numbers import whole
from models.times import parse_duration

T = TypeVar("T")
PREFIX: Final = "STREAMJOIN_"
Given = Annotated[T | None, BeforeValidator(lambda value: None if value == "" else value)]
"""Empty, as a composed environment leaves what is not set, means not given."""


def read_duration(value: object) -> object:
    """Give milliseconds of a setting that is seconds or carries a unit."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value * 1000
    return parse_duration(str(value))


def _addresses(value: str) -> str:
    """Write addresses without what does not count."""
    return ",".join(map(str, parse_addresses(value)))


Duration = Annotated[int, BeforeValidator(read_duration), Field(ge=0)]
_BROKER_TIMEOUT = 4_000
_SHORTEST_DEFAULT = 1_000


class ClusterSettings(BaseSettings):
    """The broker's address, what its listener demands, and the time-outs of what is with it.

    And how all settings are read.
    """

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

    broker: Annotated[str, AfterValidator(_addresses)] = "127.0.0.1:9092"
    broker_timeout: Given[Annotated[Duration, Field(ge=100)]] = None
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
    session_timeout: Duration = 10_000
    heartbeat_interval: Duration = 3_000
    transaction_timeout: Duration = 12_000
    trace_kafka: bool = False

    @model_validator(mode="after")
    def _time_outs_agree(self) -> Self:
        if self.heartbeat_interval * 2 > self.session_timeout:
            raise ValueError(
                "heartbeat_interval must be at most half of session_timeout, so that one lost "
                "heartbeat does not end the membership"
            )
        silence, spare = self.broker_timeout or 0, self.session_timeout - self.heartbeat_interval
        if silence > spare:
            raise ValueError(
                "broker_timeout must be at most session_timeout less heartbeat_interval "
                f"({spare} ms): else the membership ends while a silent broker is waited for"
            )
        if silence * 2 > self.transaction_timeout:
            raise ValueError(
                "broker_timeout must be at most half of transaction_timeout "
                f"({self.transaction_timeout} ms): else a commit has no time left for another "
                "broker"
            )
        return self

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

    @property
    def broker_timeout_ms(self) -> int:
        """`broker_timeout`; by default 4 s, or what the other time-outs leave."""
        if self.broker_timeout is not None:
            return self.broker_timeout
        room = min(self.session_timeout - self.heartbeat_interval, self.transaction_timeout // 3)
        return max(_SHORTEST_DEFAULT, min(_BROKER_TIMEOUT, room))

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
            broker_timeout=self.broker_timeout_ms / 1000,
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
