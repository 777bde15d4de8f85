"""The brokers' version, and their settings that workers meet."""

from collections.abc import Iterator, Mapping

from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from app.errors import UserError
from app.operations.check.finding import Finding, ok, warning, wrong
from app.operations.features import OLDEST_TRIED, metadata_level, release
from app.settings import Settings
from app.topics_admin import admin_client

_KEPT_MINUTES = 7 * 24 * 60


async def check_brokers(settings: Settings) -> list[Finding]:
    """Ask each broker."""
    async with admin_client(settings.cluster) as admin:
        cluster = await admin.describe_cluster()
        ids = sorted(broker["node_id"] for broker in cluster["brokers"])
        level = await metadata_level(admin)
    text = f"{len(ids)} at {settings.broker}, Kafka {release(level)} by its metadata.version"
    older = level is None or level < OLDEST_TRIED
    found = [
        warning("broker", f"{text}: not tried, 3.5 to 4.3 are") if older else ok("broker", text)
    ]
    try:
        for broker in ids:
            found += _broker(settings, broker, await _configs(settings, broker))
    except UserError as error:
        return [*found, warning("broker settings", f"not seen: {error}")]
    if len(found) == 1:
        found.append(ok("broker settings", "time-outs fit, offsets are kept, topics are not made"))
    return found


async def _configs(settings: Settings, broker: int) -> dict[str, str]:
    async with admin_client(settings.cluster) as admin:
        resource = ConfigResource(ConfigResourceType.BROKER, str(broker))
        [answer] = await admin.describe_configs([resource])
    [(code, message, _, _, entries)] = answer.resources
    if code:
        raise UserError(message or "the broker refuses to show its settings")
    return {entry[0]: entry[1] or "" for entry in entries}


def _broker(settings: Settings, broker: int, configs: Mapping[str, str]) -> Iterator[Finding]:
    area, at = "broker settings", f"broker {broker} has"

    def number(name: str) -> int:
        return int(configs[name])

    if number(name := "transaction.max.timeout.ms") < settings.transaction_timeout:
        yield wrong(
            area,
            f"{at} {name}={configs[name]}, less than transaction_timeout "
            f"{settings.transaction_timeout} ms: lower that (STREAMJOIN_TRANSACTION_TIMEOUT)",
        )
    low, high = number("group.min.session.timeout.ms"), number("group.max.session.timeout.ms")
    if not low <= settings.session_timeout <= high:
        yield wrong(
            area,
            f"{at} sessions of {low} to {high} ms, session_timeout is {settings.session_timeout}: "
            "set it between them (STREAMJOIN_SESSION_TIMEOUT)",
        )
    if configs.get("auto.create.topics.enable") == "true":
        yield warning(
            area,
            f"{at} auto.create.topics.enable=true: a client of another program can bring a "
            "deleted topic back without its settings; set it to false",
        )
    if number(name := "offsets.retention.minutes") < _KEPT_MINUTES:
        yield warning(
            area,
            f"{at} {name}={configs[name]}: a service that is down for longer loses its offsets "
            "and starts over",
        )
