"""All checks, in an order in which each has what it needs."""

from collections.abc import AsyncIterator, Mapping

from app.cluster import cannot_connect
from app.errors import SettingError, UserError
from app.operations.check.brokers import check_brokers
from app.operations.check.finding import Finding, Verdict, ok, warning, wrong
from app.operations.check.local import check_settings
from app.operations.check.offsets import check_offsets
from app.operations.check.replication import check_replication
from app.operations.check.rights import check_rights
from app.operations.clock import clock_difference
from app.operations.topics import (
    KAFKAS_OWN,
    TopicState,
    differences,
    roles,
    topic_configs,
    topic_states,
)
from app.operations.writers import other_writers
from app.settings import Settings
from app.stamp_limits import unprotected
from app.stamps import producers_stamps
from app.startup import check_catalogue, check_changelog, too_small
from app.topics_admin import SIZE, admin_client
from models.topics import REVENUE_PARTIALS

_CLOCK_SECONDS = 1.0


async def check(settings: Settings, changelog: str) -> AsyncIterator[Finding]:
    """Look at everything that a worker relies on; nothing is changed."""
    for found in check_settings(settings):
        yield found
    try:
        states = await topic_states(settings.cluster, roles(settings, changelog))
    except UserError as error:
        known = isinstance(error, SettingError)
        yield wrong("broker", str(error) if known else await cannot_connect(settings.cluster))
        return
    for found in await check_brokers(settings):
        yield found
    names = [*settings.catalogue().names(), changelog]
    ours = {name: states[name] for name in names if name in states}
    topics = await _co_partitioning(settings, changelog, ours)
    yield topics
    if topics.verdict is Verdict.OK and changelog in ours:
        for found in await check_offsets(settings, changelog):
            yield found
    yield await _writers(settings)
    for found in await check_rights(settings, changelog, ours):
        yield found
    for found in await _topics(settings, states, ours):
        yield found
    yield await _clock(settings, ours)


async def _co_partitioning(
    settings: Settings, changelog: str, ours: Mapping[str, TopicState]
) -> Finding:
    """Ask what a worker asks at its start; it would make the changelog, this does not."""
    try:
        found, partitions = await check_catalogue(settings, changelog)
        if changelog in found:
            check_changelog(settings, changelog, found, partitions)
    except UserError as error:
        return wrong("topics", str(error))
    note = "" if changelog in ours else f"; the first worker makes {changelog}"
    return ok("topics", f"{len(found)} topics of {partitions} partitions each{note}")


async def _writers(settings: Settings) -> Finding:
    """Say whether another service writes to the outputs."""
    try:
        lines = await other_writers(settings)
    except UserError as error:
        return warning("writers", f"not seen: {error}")
    if lines:
        return warning("writers", "; ".join(lines))
    return ok("writers", "no other service has written to the outputs within the last day")


async def _topics(
    settings: Settings, states: Mapping[str, TopicState], ours: Mapping[str, TopicState]
) -> list[Finding]:
    internal = [name for name, state in states.items() if state.role == KAFKAS_OWN]
    try:
        async with admin_client(settings.cluster) as admin:
            found = await topic_configs(admin, [*ours, *internal])
    except UserError as error:
        return [wrong("topic settings", f"{error}: see the ACLs")]
    configs = {
        name: {config: value for config, (value, _) in given.items()}
        for name, given in found.items()
    }
    return [*_topic_settings(settings, ours, configs), *check_replication(states, configs)]


def _topic_settings(
    settings: Settings,
    ours: Mapping[str, TopicState],
    configs: Mapping[str, Mapping[str, str]],
) -> list[Finding]:
    found = [
        warning(
            "topic settings",
            f"{name} has {config}={value or 'nothing'}, topics create gives {wanted}",
        )
        for name, state in ours.items()
        for config, (value, wanted) in differences(
            settings, state.role, name, configs[name]
        ).items()
    ]
    sizes = {name: int(configs[name][SIZE]) for name in ours}
    catalogue = settings.catalogue()
    texts = (
        *too_small(catalogue, sizes),
        *unprotected(catalogue, {name: configs[name] for name in ours}),
        *producers_stamps(catalogue, configs),
    )
    found += [warning("topic settings", text) for text in texts]
    return found or [ok("topic settings", "as topics create gives them")]


async def _clock(settings: Settings, ours: Mapping[str, TopicState]) -> Finding:
    if settings.catalogue().name(REVENUE_PARTIALS) not in ours:  # Writing would create it.
        return warning("clock", "not compared: the topic of partial sums is missing")
    try:
        found = await clock_difference(settings)
    except UserError as error:
        return wrong("clock", str(error))
    if found is None:
        return warning("clock", "cannot be compared: the topic of partial sums has other stamps")
    way = "ahead of" if found.ahead >= 0 else "behind"
    by, within = abs(found.ahead), found.within
    text = f"the broker's is {by:.3f} s {way} this machine's, within {within:.3f} s"
    if by - within > _CLOCK_SECONDS:
        return warning("clock", f"{text}: have both follow NTP, or lag in seconds is off by it")
    return ok("clock", text)
