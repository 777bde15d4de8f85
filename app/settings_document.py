"""Makes docs/settings.md from the settings; `make documents` writes it."""

from collections.abc import Iterator, Mapping
from typing import Final

from pydantic import BeforeValidator, ByteSize, SecretStr
from pydantic.fields import FieldInfo

from app.settings import Settings
from models.topics import TOPICS

_HEAD: Final = """# Settings
Every setting of the service, made from the code by `make documents`; a test compares it. A flag
wins over the environment, that over the file `.env` of the folder that a command is run in. `grace`
is `STREAMJOIN_GRACE`; `streamjoin worker --help` lists those that are flags too. A variable that is
empty is not set. All are checked at the start: a wrong one is one line and exit status 2, and a
variable `STREAMJOIN_...` that is none of these a warning with the nearest name. Durations are
seconds or carry a unit (`90`, `500ms`, `10m`, `7d`), sizes are bytes or carry one (`96MiB`). All
workers of a group need the same ones, but for those of HTTP and of the machine.
"""
_UNITS: Final = ((86_400_000, "d"), (3_600_000, "h"), (60_000, "m"), (1_000, "s"), (1, "ms"))
_RENAMES: Final = {topic.setting: topic.id for topic in TOPICS}

MEANINGS: Final[Mapping[str, Mapping[str, str]]] = {
    "Kafka": {
        "broker": "HOST:PORT of a broker; several with commas; IPv6 as `[::1]:9092`",
        "broker_timeout": "after which a broker that is silent is left behind, and another one "
        "asked; by default 4 s, or less where `session_timeout` or `transaction_timeout` leave "
        "less",
        "security_protocol": "`PLAINTEXT`, `SSL`, `SASL_PLAINTEXT` or `SASL_SSL`",
        "sasl_mechanism": "`PLAIN`, `SCRAM-SHA-256`, `SCRAM-SHA-512`, `OAUTHBEARER` or "
        "`AWS_MSK_IAM`, with a SASL protocol",
        "sasl_username": "with `PLAIN` and SCRAM",
        "sasl_password": "with `PLAIN` and SCRAM",
        "sasl_oauth_token_url": "with `OAUTHBEARER`: the token endpoint of the OIDC provider, "
        "https",
        "sasl_oauth_client_id": "the service's name there",
        "sasl_oauth_client_secret": "its secret there",
        "sasl_oauth_scope": "what it asks for, where the provider wants that said",
        "sasl_oauth_ca_file": "PEM file of the authorities that the provider is checked against, "
        "in place of the system's",
        "sasl_aws_region": "with `AWS_MSK_IAM`: the brokers' region; needs `streamjoin[msk]`",
        "ssl_ca_file": "PEM file of the authorities that brokers are checked against, in place of "
        "the system's",
        "ssl_certificate_file": "PEM file of the client's own certificate, where brokers want one",
        "ssl_key_file": "PEM file of its key",
        "ssl_key_password": "of that file, if it is encrypted",
        "trace_kafka": "`true`: every request of every Kafka client is a line on stderr (client, "
        "node, API, ms, error), without keys, values or secrets",
    },
    "The group and its state": {
        "app_id": "the consumer group; internal topics and transactional ids begin with it",
        "partitions": "how many each topic has: for `topics create` (else 8); a worker refuses "
        "other numbers where it is set",
        "processing_guarantee": "`exactly_once`, `at_least_once` or `at_most_once` "
        "(`docs/guarantees.md`)",
        "start_from": "`earliest` or `latest`: where a group without offsets begins, once",
        "data_dir": "folder of a worker's state: its own",
        "store": "`rocksdb`, or `memory`: rebuilt from the changelog at each start",
        "standby_replicas": "so many workers beside the owner keep a copy of each partition",
    },
    "Time and windows (`docs/time.md`, `docs/windows.md`)": {
        "grace": "how long after its end a window takes records, in stream time",
        "join_wait": "how long a purchase waits for clicks",
        "join_window": "how far a purchase looks back on clicks",
        "max_future": "how far an event time may be ahead of the record's Kafka timestamp",
        "tumbling_size": "windows of event counts and revenue",
        "hopping_size": "windows of hopping counts",
        "hopping_step": "from one hopping window's start to the next",
        "average_size": "how far a moving average looks back",
        "session_gap": "events further apart are of two sessions",
        "retention": "how long closed windows and sessions, and enriched purchases, are shown",
        "revenue_retention": "the same of revenue over all users",
        "topic_retention": "`retention.ms` that `topics create` gives; without it records are kept",
    },
    "Commits and failures": {
        "commit_interval": "how long after the first record taken a commit is due; amid a backlog "
        "up to 10 s",
        "commit_records": "records after which a commit is due in any case",
        "compression": "of outputs, partial sums and changelog on their way and at the brokers: "
        "`none`, `gzip`, `snappy`, `lz4` or `zstd` (`docs/performance.md`)",
        "buffer_bytes": "bytes that a worker holds of records that wait and of outputs that are "
        "not committed; beyond them it fetches no more, and commits earlier",
        "record_bytes": "bytes of the largest record that is read; a larger one becomes a dead "
        "letter by its size and digest",
        "max_attempts": "how often a record is tried before it becomes a dead letter",
        "dead_letter_run": "so many dead letters in a row stop the worker; 0: none do",
        "session_timeout": "after which a silent worker's partitions are others'",
        "heartbeat_interval": "at most half of `session_timeout`",
        "transaction_timeout": "after which a commit counts as lost, for worker and broker",
        "group_instance_id": "a static member: started again within the session, it gets its "
        "partitions back without a rebalance; each worker needs one of its own",
        "stalled_after": "so long may records wait without a commit before the partition counts as "
        "stalled; by default a minute, or twice `transaction_timeout`",
        "restart_stalled": "`true`: `/livez` fails while a partition is stalled",
    },
    "HTTP": {
        "web_host": "address that a worker serves on; anything but loopback needs a key",
        "web_port": "its port",
        "advertised_url": "what other workers forward to; else `http://{web_host}:{web_port}` "
        "(`https` with TLS). `{hostname}` in it stands for the machine's name",
        "web_connections": "HTTP connections at a time; by default what the open files "
        "(`ulimit -n`) leave beside Kafka and the stores, 2,000 at most",
        "tls_certificate_file": "PEM file of the worker's certificate, with its chain: HTTP is "
        "over TLS then; read again when it changes, as the others are",
        "tls_key_file": "PEM file of its key, not encrypted",
        "tls_client_ca_file": "PEM file of the authorities of which clients and workers have to "
        "show a certificate, beside their key",
        "tls_ca_file": "PEM file of the authorities that other workers are checked against; by "
        "default `tls_client_ca_file`, else the system's",
        "api_key": "bearer token that opens everything; keys have 16 characters or more",
        "api_keys": "more keys with scopes: `read:KEY, metrics:sha256:HEX` (`docs/deploying.md`)",
        "peer_key": "what workers prove to each other that they hold; by default `api_key`",
        "peer_answer_bytes": "bytes of an answer that a worker takes from another; a longer one is "
        "given by the owner alone",
        "stream_clients": "clients of `/v1/stream` at a time; more are refused",
        "log_level": "`DEBUG`, `INFO`, `WARNING` or `ERROR`",
    },
    "Names of topics": {name: f"the topic `{topic}`" for name, topic in _RENAMES.items()},
}
"""What each setting is for, by name, under the page's headings."""


def settings_document() -> str:
    """Give the page's text."""
    return "".join((_HEAD, *_sections()))


def _sections() -> Iterator[str]:
    for title, meanings in MEANINGS.items():
        known = {name: text for name, text in meanings.items() if name in Settings.model_fields}
        yield f"\n## {title}\n| setting | default | meaning |\n|---|---|---|\n"
        for name, text in known.items():
            yield f"| `{name}` | {_default(Settings.model_fields[name])} | {text} |\n"


def _default(field: FieldInfo) -> str:
    value = field.default
    if field.default_factory is not None:
        return "`~/.local/share/streamjoin/worker`"
    if value is None or isinstance(value, SecretStr):
        return "-"
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    if isinstance(value, ByteSize):
        return f"`{value // 2**20}MiB`"
    if any(isinstance(one, BeforeValidator) for one in field.metadata):
        return f"`{_duration(value)}`"
    return f"`{value}`"


def _duration(ms: int) -> str:
    """Write a duration with the largest unit that divides it."""
    size, unit = next(one for one in _UNITS if ms % one[0] == 0)
    return f"{ms // size}{unit}"
