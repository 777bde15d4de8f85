"""Every setting of the service, checked at the start (contract 7).

Values come from flags, then the environment (`STREAMJOIN_...`), then `.env`. Durations are seconds
or carry a unit (`90`, `500ms`, `10m`, `7d`) and are held in milliseconds; sizes likewise (`96MiB`),
in bytes.
"""

from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    BeforeValidator,
    ByteSize,
    Field,
    SecretStr,
    ValidationError,
    model_validator,
)

from app.cluster.settings import Duration, Given, read_duration
from app.errors import SettingError
from app.home import home
from app.http_settings import HttpSettings
from app.keys import check_length, parse_keys
from models.topics import TOPICS, Catalogue, Direction
from tables.rules import Rules

# Windows that one event may count in.
_MOST_WINDOWS = 1000
_MIB = 1024 * 1024


def _topic_name(value: str) -> str:
    if value in (".", ".."):
        raise ValueError("Kafka takes no such name")
    return value


Size = Annotated[int, BeforeValidator(read_duration), Field(ge=1)]
# What Kafka takes.
TopicName = Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{1,249}$"), AfterValidator(_topic_name)]
OptionalDuration = Annotated[
    int | None, BeforeValidator(lambda v: None if v is None else read_duration(v))
]


def default_data_dir() -> Path:
    """Where a worker keeps its state unless it is told otherwise."""
    return home() / ".local" / "share" / "streamjoin" / "worker"


class Settings(HttpSettings):
    """The service's settings; the field names are the flags' and the variables' names."""

    app_id: str = Field("stream-joins", pattern=r"^[A-Za-z0-9._-]{1,200}$")
    partitions: int | None = Field(None, ge=1, le=10_000)
    data_dir: Path = Field(default_factory=default_data_dir)
    store: Literal["rocksdb", "memory"] = "rocksdb"
    processing_guarantee: Literal["exactly_once", "at_least_once", "at_most_once"] = "exactly_once"
    start_from: Literal["earliest", "latest"] = "earliest"

    join_wait: Duration = 1000
    grace: Duration = 60_000
    max_future: Duration = 60_000
    retention: Duration = 3_600_000
    revenue_retention: Duration = 604_800_000
    topic_retention: OptionalDuration = None
    join_window: Size = 600_000
    tumbling_size: Size = 300_000
    hopping_size: Size = 600_000
    hopping_step: Size = 120_000
    average_size: Size = 600_000
    session_gap: Size = 1_800_000

    commit_interval: Duration = 100
    commit_records: int = Field(60_000, ge=1)
    compression: Literal["none", "gzip", "snappy", "lz4", "zstd"] = "none"
    buffer_bytes: ByteSize = Field(ByteSize(96 * _MIB), ge=_MIB)
    record_bytes: ByteSize = Field(ByteSize(24 * _MIB), ge=64 * 1024, le=1024 * _MIB)
    max_attempts: int = Field(3, ge=1, le=1000)
    dead_letter_run: int = Field(0, ge=0)
    group_instance_id: str | None = Field(None, pattern=r"^[A-Za-z0-9._-]{1,200}$")
    standby_replicas: int = Field(0, ge=0, le=10)
    stalled_after: Duration | None = None
    restart_stalled: bool = False

    api_key: SecretStr | None = None
    api_keys: Given[SecretStr] = None
    peer_key: SecretStr | None = None
    peer_answer_bytes: int = Field(64 * 1024 * 1024, ge=1024 * 1024, le=2 * 1024**3)
    stream_clients: int = Field(200, ge=0, le=10_000)
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "WARNING"

    topic_clicks: TopicName = "clicks"
    topic_purchases: TopicName = "purchases"
    topic_user_events: TopicName = "user-events"
    topic_enriched_purchases: TopicName = "enriched-purchases"
    topic_event_counts_per_5min: TopicName = "event-counts-per-5min"
    topic_moving_averages: TopicName = "moving-averages"
    topic_user_sessions: TopicName = "user-sessions"
    topic_revenue_per_5min: TopicName = "revenue-per-5min"
    topic_late_events: TopicName = "late-events"
    topic_dead_letters: TopicName = "dead-letters"

    @model_validator(mode="after")
    def _agree(self) -> Self:
        if self.stalled_ms <= self.transaction_timeout:
            raise ValueError(
                "stalled_after must be longer than transaction_timeout: a commit may take that long"
            )
        if self.hopping_step > self.hopping_size:
            raise ValueError(
                "hopping_step must not be larger than hopping_size: events between the windows "
                "would count in none"
            )
        if self.hopping_size > self.hopping_step * _MOST_WINDOWS:
            raise ValueError(
                f"hopping_size must be at most {_MOST_WINDOWS} times hopping_step: each event "
                "counts in so many windows"
            )
        self.catalogue()
        return self

    @property
    def stalled_ms(self) -> int:
        """`stalled_after`; by default a minute, or twice as long as a commit may take."""
        if self.stalled_after is not None:
            return self.stalled_after
        return max(60_000, 2 * self.transaction_timeout)

    @model_validator(mode="after")
    def _keys_fit_together(self) -> Self:
        if self.api_key is not None:
            check_length("api_key", self.api_key.get_secret_value())
        if self.peer_key is not None and self.peer_key.get_secret_value():
            check_length("peer_key", self.peer_key.get_secret_value())
        if self.api_keys is not None:
            parse_keys(self.api_keys.get_secret_value())
            if self.api_key is None and not (self.peer_key and self.peer_key.get_secret_value()):
                raise ValueError(
                    "api_keys needs peer_key too (STREAMJOIN_PEER_KEY): what workers show to each "
                    "other, the same for all"
                )
        return self

    @property
    def has_keys(self) -> bool:
        """Whether callers need a key."""
        return bool(self.api_key or self.api_keys)

    @property
    def exposed(self) -> str | None:
        """Why no worker starts with these: others reach it without a key. None if they do not."""
        if self.has_keys or self.on_loopback:
            return None
        return (
            f"web_host {self.web_host} can be reached from other machines: set an API key "
            "(STREAMJOIN_API_KEY), or leave web_host at 127.0.0.1"
        )

    def rules(self) -> Rules:
        """Give the durations that define the computations."""
        return Rules(
            join_wait=self.join_wait,
            grace=self.grace,
            retention=self.retention,
            revenue_retention=self.revenue_retention,
            join_window=self.join_window,
            tumbling=self.tumbling_size,
            hopping_size=self.hopping_size,
            hopping_step=self.hopping_step,
            average_size=self.average_size,
            session_gap=self.session_gap,
        )

    def catalogue(self) -> Catalogue:
        """Give the topics under their actual names. ValueError if two have the same name."""
        names = {
            topic.id: getattr(self, topic.setting, topic.id)
            for topic in TOPICS
            if topic.direction is not Direction.INTERNAL
        }
        return Catalogue(self.app_id, names, self.topic_retention)


def load_settings(**flags: Any) -> Settings:  # noqa: ANN401 (whatever the flags hold)
    """Read and check all settings; flags that are None were not given.

    Raises SettingError with one line that names the first wrong setting.
    """
    try:
        return Settings(**{name: value for name, value in flags.items() if value is not None})
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        name = ".".join(str(part) for part in first["loc"])
        message = first["msg"].removeprefix("Value error, ")
        raise SettingError(f"setting {name}: {message}" if name else message) from None
    except (OSError, UnicodeError) as error:
        raise SettingError(f"the file .env of this folder cannot be read ({error})") from None


def load_worker_settings(**flags: Any) -> Settings:  # noqa: ANN401 (whatever the flags hold)
    """Read and check the settings of who serves: what others can reach is served with keys only.

    Other commands serve nothing, and run in an image whose `web_host` is for its workers. Raises
    SettingError as `load_settings` does.
    """
    settings = load_settings(**flags)
    if (exposure := settings.exposed) is not None:
        raise SettingError(exposure)
    if settings.tls is not None:
        try:
            settings.tls.checked()
        except ValueError as error:
            raise SettingError(f"setting {error}") from None
    return settings
